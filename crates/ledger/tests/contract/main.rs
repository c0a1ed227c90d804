//! The contract of the ledger port, run against every implementation of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "cases are functions that the tests call")]

mod elections;
mod limits;
mod model;
mod ranges;
mod sizes;
mod stack;
mod transactions;
mod watches;

/// Makes of each case one test per implementation.
macro_rules! contract {
    (implementations $implementations:tt $($topic:ident $cases:tt)+) => {
        $(contract!(@topic $implementations $topic $cases);)+
    };
    (@topic {$($implementation:ident),+} $topic:ident $cases:tt) => {
        mod $topic {
            $(mod $implementation {
                contract!(@cases $implementation $topic $cases);
            })+
        }
    };
    (@cases $implementation:ident $topic:ident {$($case:ident),+ $(,)?}) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            crate::stack::run(crate::stack::$implementation().await, crate::$topic::$case).await;
        })+
    };
}

mod holds_for {
    contract! {
        implementations { memory, redb, memory_without_faults, redb_without_faults }
        transactions {
            of_many_creators_of_a_key_exactly_one_commits,
            of_many_writers_with_the_same_compare_exactly_one_commits,
            concurrent_increments_lose_no_update,
            a_transaction_that_lost_one_comparison_writes_nothing,
            a_transaction_stamps_all_its_keys_with_one_revision,
            revisions_grow_by_one_and_are_never_given_twice,
            a_transaction_without_writes_commits_at_the_present_revision,
            a_transaction_that_only_compares_can_be_lost,
            deleting_a_key_that_is_not_there_changes_nothing,
            a_key_deleted_and_written_again_is_not_at_its_old_revision,
            present_holds_for_any_value_and_not_without_one,
            a_read_begun_after_a_commit_sees_it,
        }
        limits {
            a_key_and_a_value_at_the_bound_are_taken,
            what_is_beyond_the_bounds_is_refused_and_changes_nothing,
            reads_beyond_the_bounds_are_refused,
        }
        ranges {
            a_range_is_in_the_order_of_the_bytes_of_its_keys,
            prefixes_that_are_prefixes_of_each_other_are_told_apart,
            pages_follow_one_another_without_gap_or_overlap,
            a_page_holds_no_more_than_the_port_allows,
            a_page_ends_early_rather_than_hold_too_many_bytes,
            a_range_may_begin_behind_any_key,
            a_page_is_read_at_the_one_revision_that_it_names,
            a_range_from_above_may_begin_anywhere,
        }
        sizes {
            the_size_follows_what_is_written_and_removed,
            what_replaces_a_value_counts_once,
            what_was_lost_counts_nothing,
        }
        watches {
            a_watch_gets_everything_after_its_revision_once_and_in_order,
            keys_of_one_transaction_arrive_together_in_their_order,
            a_watch_sees_its_prefix_only,
            a_deletion_arrives_with_its_revision,
            a_key_written_before_and_after_the_watch_began_is_seen_once,
            what_was_lost_or_changed_nothing_is_not_seen,
            a_list_and_a_watch_together_miss_and_double_nothing,
            every_watcher_gets_everything,
            a_watch_from_a_revision_long_gone_is_compacted,
            a_watch_from_a_revision_not_reached_is_compacted,
            a_watcher_that_is_too_slow_is_told_and_holds_nobody_up,
            a_quiet_watch_outlives_history_that_does_not_concern_it,
        }
        elections {
            a_seat_has_one_holder_at_a_time,
            the_next_candidate_gets_the_seat_when_it_is_dropped,
            elections_of_other_names_are_independent,
            a_candidate_that_gave_up_does_not_block_the_next,
            an_election_without_name_or_time_is_refused,
        }
        model {
            random_transactions_do_what_a_map_does,
        }
    }
}
