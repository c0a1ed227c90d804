//! What a data center must do with what it is told, as checks that run on any API server.
//!
//! The simulated cluster runs them in this crate's tests, real control planes in the system tests. A check
//! panics where it fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a check fails as a test does"
)]

pub mod companions;
pub mod drift;
pub mod mk;
pub mod resources;
mod running;
pub mod stopping;
mod target;
pub mod workloads;

pub use mk::MkDelivery;
pub use running::Running;

/// Names every check, for whoever runs them: `$run!(module::check)` each.
#[macro_export]
macro_rules! for_each_check {
    ($run:ident) => {
        $run! {
            resources:
                a_data_center_says_who_it_is,
                preparing_twice_writes_once,
                classes_are_made_once_and_another_of_the_name_is_told,
                a_namespace_keeps_what_else_it_has,
                what_was_put_is_read,
                what_changed_meanwhile_is_not_replaced,
                an_older_order_is_refused_and_so_is_another_under_the_same_fence,
                an_app_of_another_installation_is_left_to_it,
                a_local_rollback_is_not_taken_away,
                a_missing_namespace_is_named,
                what_is_removed_is_what_was_seen,
                a_watch_begins_with_all_there_is;
            workloads:
                an_app_goes_live,
                a_rollback_revives_the_old_replica_set,
                another_order_of_the_same_content_writes_its_status_alone,
                changed_config_replaces_the_pods_and_keeps_what_a_rollback_needs,
                a_deleted_deployment_comes_back,
                a_full_quota_is_said_in_plain_words,
                offline_takes_the_pods_and_leaves_the_rest,
                an_autoscaled_app_never_falls_back_to_one,
                a_deletion_takes_everything,
                a_new_life_takes_the_place_of_the_old,
                a_deleted_resource_takes_nothing_with_it,
                a_restarted_controller_changes_nothing,
                an_edited_resource_is_not_acted_on,
                what_is_not_ours_is_left_alone,
                another_candidate_goes_on;
            stopping:
                a_few_missing_deployments_come_back,
                when_all_deployments_vanish_it_stops_until_that_is_lifted,
                a_lifted_stop_puts_back_more_than_the_limit_and_counts_anew,
                what_orders_ask_for_stops_nothing,
                one_deployment_deleted_again_and_again_comes_back;
            drift:
                a_hand_edit_is_put_right_and_told,
                what_others_add_is_theirs,
                what_others_add_to_the_spec_is_taken_away_and_told,
                what_others_add_to_a_service_or_a_budget_is_taken_away,
                what_is_taken_away_leaves_the_autoscaler_its_number,
                what_others_added_goes_also_when_nobody_owns_it_any_more,
                a_restart_by_kubectl_is_a_restart,
                several_lost_together_are_each_told,
                an_object_without_its_labels_is_known_again;
            companions:
                apps_of_every_grade_get_their_class_and_pass_range_and_quota,
                so_do_apps_of_three_containers,
                a_pod_without_requests_is_refused,
                a_namespace_has_its_range_and_quota,
                a_range_and_a_quota_that_are_changed_are_put_right,
                no_range_and_no_quota_refuse_what_runs_there,
                who_wants_no_range_and_no_quota_has_none,
                a_range_of_somebody_else_that_refuses_apps_is_told,
                own_grades_are_let_through_and_told_by_their_names,
                a_range_lets_through_what_a_release_was_sold_at;
        }
    };
}
pub use target::Target;
