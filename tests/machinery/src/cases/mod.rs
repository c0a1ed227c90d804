//! The cases, by what they are about.

pub mod apply;
pub mod apply_conflicts;
pub mod apply_lists;
pub mod autoscalers;
pub mod budgets;
pub mod definitions;
pub mod delete;
pub mod endpoints;
pub mod errors;
pub mod evictions;
pub mod faults;
pub mod kubectl_cluster;
pub mod kubectl_objects;
pub mod kubectl_pods;
pub mod kubectl_reading;
pub mod kubectl_rollouts;
pub mod list;
pub mod loads;
mod mk;
pub mod paging;
pub mod patches;
pub mod protobuf;
pub mod quotas;
pub mod scheduling;
pub mod select;
pub mod subresources;
pub mod watch;

/// Names the cases of servers that are disturbed, as `for_each_case` does the others.
#[macro_export]
macro_rules! for_each_case_of_faults {
    ($run:ident) => {
        $run! {
            faults:
                requests_that_are_too_many_are_turned_away,
                a_request_that_takes_too_long_is_timed_out,
                a_restarted_server_does_not_tell_what_watches_missed,
                what_was_compacted_is_expired,
                a_list_goes_on_in_the_present_where_its_moment_is_expired,
                a_server_that_was_put_back_shows_what_was_there,
                what_is_written_from_after_it_was_put_back_conflicts,
                a_version_from_before_it_was_put_back_is_too_large,
                a_watch_from_before_it_was_put_back_is_told_of_what_is_later_alone;
        }
    };
}

/// Names the cases that take their time, and those of servers whose pods are measured, as `for_each_case` does the others.
#[macro_export]
macro_rules! for_each_case_in_time {
    ($run:ident) => {
        $run! {
            loads:
                more_pods_come_under_load,
                the_number_of_pods_doubles_at_most,
                fewer_pods_stay_when_the_load_goes,
                pods_that_use_nothing_are_brought_to_the_least,
                fewer_come_when_nothing_higher_was_recommended_for_a_while,
                a_window_holds_fewer_back,
                a_window_holds_more_back,
                a_tenth_off_is_left_alone,
                a_tolerance_of_ones_own_is_kept,
                pods_without_metrics_are_at_rest_where_there_would_be_more,
                pods_without_metrics_are_busy_where_there_would_be_fewer,
                a_pod_that_waits_for_a_node_is_at_rest,
                the_most_of_several_policies_bounds_the_growth,
                the_least_of_several_policies_bounds_the_growth,
                a_share_bounds_the_growth,
                a_disabled_direction_is_not_taken,
                a_policy_bounds_how_many_go,
                the_highest_of_several_metrics_holds,
                one_container_may_be_looked_at,
                a_container_that_is_not_there_is_told,
                a_pod_that_requests_nothing_is_told,
                what_cannot_be_told_does_not_hold_growth_back,
                what_cannot_be_told_holds_fewer_back,
                pods_of_which_nothing_is_known_are_told,
                two_autoscalers_of_the_same_pods_do_nothing;
            scheduling:
                a_pod_that_fits_nowhere_is_told_of_again,
                the_lease_of_a_node_is_renewed;
        }
    };
}

/// Names every case but those of faults and those that take their time, for whoever runs or counts them: `$run!(group: case, …; …)`.
#[macro_export]
macro_rules! for_each_case {
    ($run:ident) => {
        $run! {
            list:
                what_was_created_is_read,
                what_nobody_made_is_not_found,
                a_list_of_nothing_is_a_list,
                a_list_comes_in_the_order_of_names,
                a_list_over_all_namespaces_says_where_each_is,
                metadata_alone_can_be_asked_for,
                a_table_shows_rows,
                an_unknown_form_is_not_acceptable,
                a_list_from_version_zero_takes_what_is_there,
                a_list_not_older_than_a_write_holds_it,
                a_list_at_exactly_an_older_version_shows_the_past,
                a_version_of_the_future_is_too_large,
                what_is_no_version_is_refused,
                the_rules_of_matching_a_version,
                a_list_takes_a_time_out,
                a_deployment_is_read_with_all_defaults,
                discovery_names_groups_versions_and_resources,
                the_server_says_what_it_is;
            watch:
                a_watch_from_a_version_tells_what_came_after_it,
                a_watch_without_a_version_begins_with_what_is_there,
                a_watch_from_version_zero_begins_with_what_is_there,
                a_watch_follows,
                a_write_that_changes_nothing_is_not_told,
                a_dry_run_is_not_told,
                a_selective_watch_tells_of_what_it_selects,
                what_comes_into_a_selection_is_added,
                what_leaves_a_selection_is_deleted,
                what_stays_in_a_selection_is_modified,
                a_watch_on_one_name,
                a_watch_in_a_namespace_tells_of_it_alone,
                a_watch_over_all_namespaces,
                a_held_deletion_is_told_in_two_steps,
                a_watch_ends_with_its_time,
                a_watch_gets_a_bookmark_before_it_ends,
                a_bookmark_is_of_the_kind_that_is_watched,
                a_streamed_list_ends_with_a_bookmark,
                a_streamed_list_of_nothing_is_a_bookmark,
                a_streamed_list_selects,
                a_streamed_list_from_a_version_is_at_least_as_new,
                a_watch_without_initial_events_begins_with_what_happens,
                the_rules_between_the_options_of_a_watch,
                a_watch_from_what_is_no_version_is_refused,
                a_watch_with_an_unreadable_selector_is_refused,
                events_come_as_metadata_alone,
                the_path_of_one_object_is_not_watched,
                a_deletion_has_a_version_of_its_own;
            patches:
                a_merge_patch_sets_adds_and_removes,
                a_merge_patch_replaces_lists,
                a_merge_patch_of_null_where_nothing_is,
                an_emptied_map_is_left_out,
                an_empty_patch_changes_nothing,
                a_patch_of_another_form_is_refused,
                what_nobody_made_is_not_patched,
                what_a_server_sets_is_left_alone,
                a_patch_may_name_a_version,
                unknown_fields_of_a_patch,
                each_operation_of_a_json_patch,
                an_operation_that_does_not_fit_refuses_all,
                paths_of_a_json_patch_escape_slashes,
                a_json_patch_tests_and_sets,
                a_json_patch_has_a_bound,
                a_strategic_patch_merges_items_by_key,
                a_strategic_patch_adds_items,
                a_strategic_patch_deletes,
                a_strategic_patch_replaces,
                a_strategic_patch_retains_keys,
                a_strategic_patch_orders,
                a_strategic_patch_takes_from_a_set,
                a_strategic_patch_replaces_atomic_lists,
                a_strategic_patch_that_does_not_fit_is_refused,
                a_strategic_patch_of_ports,
                the_result_of_a_patch_is_validated;
            apply:
                an_apply_makes_what_is_not_there,
                the_same_applied_again_changes_nothing,
                an_apply_changes_what_its_manager_owns,
                what_is_no_longer_applied_goes,
                two_managers_share_an_object,
                what_two_own_stays_until_both_let_go,
                a_manager_of_nothing_is_forgotten,
                an_update_owns_what_it_changes,
                what_an_update_takes_away_nobody_owns,
                an_update_without_a_manager_is_booked_on_its_program,
                a_create_owns_what_it_sets,
                updates_and_applies_of_one_name_are_two_managers,
                metadata_is_owned_by_its_entries,
                owner_references_are_owned_by_uid,
                defaults_belong_to_nobody,
                a_status_is_owned_through_its_subresource,
                a_status_in_the_whole_object_is_left_out,
                a_dry_apply_changes_nothing,
                an_apply_may_be_yaml,
                an_apply_says_what_it_is,
                an_apply_with_managed_fields_is_refused,
                an_emptied_list_of_managers_is_begun_anew,
                what_was_there_before_is_of_an_unknown_manager,
                an_apply_may_name_a_version,
                an_apply_may_name_a_uid,
                an_apply_is_validated,
                null_is_not_applied,
                replicas_are_handed_over;
            apply_conflicts:
                another_value_for_what_another_applied_conflicts,
                another_value_for_what_another_updated_conflicts,
                all_conflicts_are_told_at_once,
                force_takes_over,
                what_was_taken_over_is_kept,
                the_former_owner_conflicts_in_turn,
                the_value_that_is_there_is_no_conflict,
                an_update_takes_over_without_asking,
                labels_conflict,
                a_conflict_names_the_item_of_a_list,
                a_scaled_deployment_conflicts_with_applied_replicas,
                a_default_does_not_conflict;
            apply_lists:
                containers_are_merged_by_name,
                items_come_in_the_order_of_the_apply,
                variables_are_merged_by_name,
                an_item_twice_is_refused,
                an_item_without_its_key_is_refused,
                ports_are_merged_by_port_and_protocol,
                an_atomic_list_is_replaced_whole,
                an_atomic_map_is_replaced_whole,
                finalizers_are_a_set,
                a_quantity_written_otherwise_is_the_same;
            definitions:
                a_definition_is_established,
                objects_of_a_definition_live,
                objects_of_a_definition_are_watched,
                resources_of_the_cluster_have_no_namespace,
                resources_of_namespaces_are_written_in_one,
                a_definition_can_grow,
                a_deleted_definition_takes_its_objects_along,
                unknown_fields_are_pruned,
                what_is_to_be_kept_is_kept,
                defaults_are_filled_in,
                types_are_checked,
                bounds_of_numbers_are_checked,
                strings_are_checked,
                formats_are_checked,
                lists_are_checked,
                required_fields_must_be_there,
                combined_schemas_are_checked,
                rules_are_held,
                transition_rules_hold_for_updates,
                the_status_of_a_custom_resource_is_written_apart,
                the_scale_of_a_custom_resource,
                several_versions_show_one_object,
                a_table_has_printed_columns,
                patches_of_custom_resources,
                a_replace_names_a_version,
                applied_lists_follow_the_schema,
                a_wrong_definition_is_invalid,
                a_schema_must_be_structural;
            delete:
                a_deletion_says_what_it_deleted,
                some_deletions_are_answered_with_the_object,
                what_is_gone_cannot_be_deleted,
                a_deletion_may_name_a_uid,
                a_deletion_may_name_a_version,
                a_finalizer_holds_an_object,
                the_last_finalizer_releases_an_object,
                a_terminating_object_gets_no_new_finalizer,
                a_terminating_object_can_be_deleted_again,
                a_dry_deletion_deletes_nothing,
                the_options_of_a_deletion_come_in_the_body,
                a_dependent_goes_with_its_owner,
                background_deletion_deletes_the_owner_first,
                foreground_deletion_deletes_the_owner_last,
                foreground_deletion_waits_for_those_that_block_it,
                orphans_forget_their_owner,
                a_dependent_of_nobody_is_collected,
                a_dependent_of_two_stays_for_the_other,
                a_deployment_takes_its_replica_sets_along,
                a_namespace_takes_everything_along,
                some_namespaces_may_not_be_deleted;
            select:
                labels_equal_and_unequal,
                labels_in_sets,
                labels_there_and_not_there,
                labels_greater_and_less,
                white_space_in_selectors,
                unreadable_label_selectors,
                names_and_namespaces_are_fields,
                kinds_have_fields_of_their_own,
                an_unknown_field_is_refused,
                labels_and_fields_together,
                a_collection_is_deleted_by_selection,
                a_dry_deletion_of_a_collection_deletes_nothing;
            paging:
                a_list_comes_in_pages,
                pages_show_the_moment_of_the_first,
                the_rest_comes_without_a_limit,
                a_selector_hides_the_count,
                a_page_as_large_as_the_list_is_the_last,
                a_page_can_be_read_again,
                the_rules_of_tokens,
                a_list_from_version_zero_has_no_pages,
                a_page_from_exactly_a_version;
            subresources:
                a_scale_is_read_as_an_object_of_its_own,
                a_scale_changes_the_replicas,
                a_scale_is_patched_in_every_format,
                a_wrong_scale_is_refused,
                a_scale_owns_the_replicas,
                a_status_is_written_apart,
                a_write_leaves_the_status_alone,
                a_status_is_patched_in_every_format,
                a_status_does_not_raise_the_generation,
                a_status_that_is_not_there,
                a_status_is_read_with_the_whole,
                the_status_of_a_namespace,
                a_subresource_has_its_own_methods,
                the_scale_of_a_replica_set,
                discovery_names_subresources;
            errors:
                malformed_json_is_a_bad_request,
                malformed_json_is_refused_in_every_write,
                a_body_over_the_bound_is_too_large,
                data_over_a_mebibyte_is_invalid,
                deep_nesting_is_refused,
                deep_nesting_in_a_patch_is_refused,
                a_wrong_content_type_is_unsupported,
                a_patch_needs_a_known_format,
                yaml_is_read,
                what_is_not_served_is_not_found,
                a_kind_is_served_in_its_scope,
                a_method_that_a_path_has_not,
                an_illegal_name_is_invalid,
                illegal_labels_and_annotations_are_invalid,
                illegal_owner_references_are_invalid,
                what_is_there_already_exists,
                a_body_must_belong_to_its_path,
                a_namespace_that_is_not_there_takes_nothing,
                a_write_against_an_older_version_conflicts,
                a_value_of_the_wrong_type_is_a_bad_request,
                unknown_fields_are_told_refused_or_dropped,
                the_options_of_a_write_are_checked,
                a_new_object_names_no_version;
            autoscalers:
                an_autoscaler_is_completed,
                the_behavior_of_an_autoscaler_is_completed,
                wrong_bounds_of_an_autoscaler_are_refused,
                wrong_metrics_of_an_autoscaler_are_refused,
                wrong_rules_of_an_autoscaler_are_refused,
                too_few_pods_become_the_least,
                too_many_pods_become_the_most,
                a_target_of_none_is_left_alone,
                without_metrics_the_pods_stay_as_they_are,
                metrics_that_nobody_serves_are_told;
            endpoints:
                a_service_that_nobody_stands_behind_leads_nowhere,
                a_service_leads_to_the_ready_pod_behind_it,
                a_named_port_is_looked_up_on_the_pod,
                a_headless_service_is_marked,
                a_pod_that_loses_its_label_is_led_to_no_more,
                a_service_without_a_selector_is_left_alone,
                when_a_service_goes_what_it_led_to_is_forgotten;
            evictions:
                a_pod_that_no_budget_covers_is_evicted,
                a_budget_lets_go_as_many_as_it_allows,
                a_budget_that_needs_all_lets_nobody_go,
                two_budgets_over_one_pod_are_one_too_many,
                an_eviction_of_nobody_is_refused;
            budgets:
                a_budget_of_nobody_allows_nothing,
                a_number_that_must_be_there_is_held_against_all_pods,
                a_percentage_is_of_what_controllers_want,
                what_may_be_away_is_of_what_controllers_want,
                a_budget_over_two_deployments_adds_them_up,
                pods_without_a_controller_do_not_count_for_a_share,
                a_controller_that_cannot_be_scaled_fails_the_budget,
                a_controller_of_an_unknown_kind_fails_the_budget,
                a_budget_that_failed_recovers_with_its_pods,
                an_eviction_that_did_not_come_about_is_given_up,
                an_old_announcement_of_a_disruption_is_withdrawn,
                a_pod_that_two_budgets_cover_is_told_of,
                a_changed_budget_is_observed;
            quotas:
                what_was_there_before_is_counted,
                a_changed_quota_is_counted_anew,
                what_is_deleted_is_given_back,
                a_pod_that_ended_holds_no_resources,
                a_scope_counts_the_pods_in_it,
                a_scope_of_classes_counts_their_pods,
                names_that_nobody_counts_are_not_used,
                services_count_by_their_type;
            protobuf:
                an_object_may_come_in_protobuf,
                a_zero_is_set_where_go_can_tell_it_from_nothing,
                each_type_of_a_field_is_read,
                what_is_no_protobuf_is_a_bad_request,
                protobuf_of_another_kind_is_refused,
                writes_and_deletes_may_come_in_protobuf,
                a_scale_may_come_in_protobuf,
                reviews_may_come_in_protobuf,
                a_patch_has_no_form_in_protobuf;
            kubectl_objects:
                create_makes_what_a_file_says,
                create_makes_objects_from_its_arguments,
                a_namespace_comes_and_goes,
                apply_makes_and_changes,
                apply_on_the_server_keeps_what_others_own,
                diff_says_what_an_apply_would_change,
                objects_are_patched_labelled_and_annotated,
                objects_are_edited,
                objects_are_deleted;
            kubectl_rollouts:
                a_deployment_is_scaled,
                a_rollout_is_followed,
                a_rollout_is_undone,
                a_deployment_is_restarted,
                a_rollout_is_paused,
                conditions_are_waited_for;
            kubectl_reading:
                get_has_many_forms,
                get_selects_and_sorts,
                what_runs_is_shown_in_tables,
                get_watches,
                kinds_are_explained,
                objects_are_described,
                a_pod_that_no_node_takes_is_described;
            kubectl_cluster:
                a_server_says_what_it_is,
                rights_are_told,
                without_metrics_nothing_is_told_of_use,
                a_node_is_drained,
                a_node_is_described;
            kubectl_pods:
                what_pods_say_is_shown,
                commands_are_run_in_pods,
                a_pod_without_a_node_runs_nothing;
        }
    };
}
