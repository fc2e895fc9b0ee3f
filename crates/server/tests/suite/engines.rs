//! The suites of the services again: on every engine that is here, and while
//! everything that a database can do wrong goes wrong.

use sv_backends::sql::Engine;

use crate::{account, append, audit, collection, races, removal, sharing, stage, uploads};

macro_rules! again {
    ($name:ident, $run:expr, [$($module:path: $($test:ident),* $(,)?;)*]) => {
        mod $name {
            use super::*;
            $($(
                #[test]
                fn $test() {
                    use $module as tests;
                    $run(tests::$test);
                }
            )*)*
        }
    };
}

macro_rules! on_engines {
    ($($name:ident: $engine:ident),* $(,)?) => {$(
        again!($name, |test| stage::on(Engine::$engine, test), [
            account::stories: sign_up_and_log_in, a_spelling_of_a_handle_is_the_same_account,
                an_unconfirmed_sign_up_is_forgotten, a_sign_up_that_does_not_fit_together_is_refused,
                invitations_work_once_and_the_first_makes_an_administrator,
                sessions_end_by_log_out_revocation_and_time,
                a_disabled_account_is_locked_out_and_let_in_again, everything_survives_a_restart;
            account::second_factor: of_sixteen_that_give_one_code_at_once_one_wins,
                a_used_step_and_the_steps_before_it_are_used_up, a_backup_code_works_once,
                changing_it_wants_a_fresh_proof, a_proof_is_of_the_own_account_and_session,
                a_reset_code_takes_the_place_of_both_and_gives_nothing_alone;
            account::halves: a_half_is_of_one_session_and_ends_with_it,
                a_half_is_not_in_a_stolen_database;
            account::page: a_page_logs_in_by_cookie_and_out;
            account::admin: an_administrator_sees_people_and_never_what_they_store,
                quotas_and_locks_take_effect_and_an_administrator_keeps_itself,
                what_gives_an_account_away_wants_a_fresh_proof,
                invitations_are_listed_revoked_and_end;
            account::deletion: a_deleted_account_leaves_nothing_but_its_neighbours,
                a_deletion_wants_a_proof_ends_all_sessions_and_is_called_off_by_a_log_in;
            removal: vaults_go_with_all_they_hold_and_nothing_that_is_shared,
                what_others_still_name_leaves_its_log_behind,
                what_many_that_are_gone_name_stays_for_who_needs_it;
            account::unlockers: a_new_password_ends_the_old_one_and_every_other_session,
                a12_only_the_account_itself_changes_its_unlockers,
                the_recovery_key_and_a_code_replace_a_forgotten_password,
                a_reset_code_outlives_a_recovery, each_session_has_its_own_tries_at_a_proof,
                a_wrong_recovery_key_and_an_unknown_handle_look_the_same;
            account::limits: guessing_is_limited_and_a_restart_does_not_help,
                strangers_cannot_lock_a_known_device_out, a_right_password_costs_no_try,
                codes_cannot_be_guessed_for_long, a_log_in_is_finished_once_and_soon,
                a_handle_that_nobody_has_is_not_evaluated_for_ever;
            account::matrix: every_endpoint_lets_in_whom_the_table_says, anothers_vault_is_not_there,
                a9_no_sealed_byte_before_both_factors;
            append: an_appended_entry_is_there_with_all_it_brings,
                whoever_is_no_member_finds_nothing,
                every_flaw_is_refused_and_changes_nothing,
                a_retry_succeeds_however_late_and_does_nothing, of_two_that_race_one_wins,
                equal_requests_that_race_both_succeed,
                a_content_is_charged_once_and_given_back_with_its_last_reference,
                what_does_not_fit_the_quota_is_refused, an_empty_content_needs_no_blocks,
                a_new_vault_is_for_this_server_now_and_its_owner;
            uploads: blocks_become_a_content_that_downloads_as_it_was,
                a_block_that_comes_again_takes_the_place_of_the_first,
                what_cannot_be_a_block_is_refused_and_leaves_nothing,
                uploads_end_by_cancelling_or_by_time,
                a_disk_that_fails_loses_only_what_was_not_acknowledged;
            sharing::stories: a_member_reads_until_the_moment_that_ends_it,
                access_goes_through_groups_and_ends_with_any_step,
                people_are_granted_as_their_accounts_are_now,
                an_entry_names_the_newest_heads_and_waits_for_due_keys,
                vaults_nest_four_deep_and_never_in_a_circle,
                a_transfer_moves_every_charge, a_content_is_copied_only_by_whoever_reads_it,
                who_has_access_is_seen_by_whoever_has_it,
                downloads_from_shared_vaults_are_noted_and_forgotten;
            sharing::matrix: a_vault_shows_the_membership_that_its_log_leads_to;
            sharing::ahead: a_key_for_many_goes_in_as_many_transactions_as_it_takes,
                envelopes_whose_entry_never_comes_are_removed,
                an_envelope_that_is_a_record_as_well_stays;
            sharing::bounds: groups_that_were_named_once_are_seen_by_who_came_later,
                groups_that_come_in_at_once_are_counted_together,
                a_group_that_comes_in_elsewhere_is_in_nobodys_way,
                a_group_that_many_name_is_seen_by_all_who_need_it,
                a_membership_is_read_a_page_at_a_time, keys_that_nothing_made_due_are_limited,
                notes_of_downloads_are_merged_by_day;
            audit: what_happens_is_written_down, the_first_bad_row_is_named,
                several_servers_append_to_one_chain, what_is_pruned_is_said;
            collection: a_content_goes_a_grace_after_its_last_reference,
                superseded_leaves_serve_their_checkpoint_for_an_hour,
                a_record_that_a_kept_leaf_names_stays, leaves_that_the_newest_checkpoint_needs_stay,
                a_mark_does_not_collect_what_is_referred_to,
                orphans_go_after_a_day_and_named_files_stay,
                jobs_between_any_two_steps_change_nothing_that_is_needed,
                jobs_beside_appends_and_uploads_disturb_neither;
            races: of_many_uploads_at_once_no_more_fit_than_fit,
                of_many_that_take_an_invitation_at_once_one_signs_up,
                of_many_that_want_a_handle_at_once_one_gets_it,
                tries_at_once_are_all_counted, a_lease_has_one_holder_however_many_want_it,
                new_backup_codes_at_once_leave_one_set,
                a_log_in_beside_a_change_of_password_leaves_nothing,
                a_content_dropped_and_taken_up_at_once_stays;
        ]);
    )*};
}

on_engines!(mariadb: MariaDb, mysql: MySql, external: External);

macro_rules! while_failing {
    ($($name:ident: $engine:ident),* $(,)?) => {$(
        again!($name, |test| stage::on_failing(Engine::$engine, test), [
            account::stories: sign_up_and_log_in, an_unconfirmed_sign_up_is_forgotten,
                invitations_work_once_and_the_first_makes_an_administrator,
                sessions_end_by_log_out_revocation_and_time,
                a_disabled_account_is_locked_out_and_let_in_again, everything_survives_a_restart;
            account::second_factor: of_sixteen_that_give_one_code_at_once_one_wins,
                a_used_step_and_the_steps_before_it_are_used_up, a_backup_code_works_once,
                changing_it_wants_a_fresh_proof,
                a_reset_code_takes_the_place_of_both_and_gives_nothing_alone;
            account::halves: a_half_is_of_one_session_and_ends_with_it,
                a_half_is_not_in_a_stolen_database;
            account::unlockers: a_new_password_ends_the_old_one_and_every_other_session,
                the_recovery_key_and_a_code_replace_a_forgotten_password,
                a_reset_code_outlives_a_recovery;
            account::limits: guessing_is_limited_and_a_restart_does_not_help,
                a_right_password_costs_no_try, codes_cannot_be_guessed_for_long;
            append: an_appended_entry_is_there_with_all_it_brings,
                every_flaw_is_refused_and_changes_nothing,
                a_retry_succeeds_however_late_and_does_nothing, of_two_that_race_one_wins,
                equal_requests_that_race_both_succeed,
                a_content_is_charged_once_and_given_back_with_its_last_reference,
                an_empty_content_needs_no_blocks;
            uploads: blocks_become_a_content_that_downloads_as_it_was,
                a_block_that_comes_again_takes_the_place_of_the_first,
                what_cannot_be_a_block_is_refused_and_leaves_nothing,
                uploads_end_by_cancelling_or_by_time;
            sharing::stories: a_member_reads_until_the_moment_that_ends_it,
                access_goes_through_groups_and_ends_with_any_step,
                a_transfer_moves_every_charge;
            audit: what_happens_is_written_down, the_first_bad_row_is_named;
            collection: a_content_goes_a_grace_after_its_last_reference,
                superseded_leaves_serve_their_checkpoint_for_an_hour,
                a_record_that_a_kept_leaf_names_stays,
                orphans_go_after_a_day_and_named_files_stay,
                jobs_beside_appends_and_uploads_disturb_neither;
            account::deletion: a_deleted_account_leaves_nothing_but_its_neighbours;
            removal: vaults_go_with_all_they_hold_and_nothing_that_is_shared;
        ]);
    )*};
}

while_failing!(
    sqlite_failing: Sqlite,
    mariadb_failing: MariaDb,
    external_failing: External,
);
