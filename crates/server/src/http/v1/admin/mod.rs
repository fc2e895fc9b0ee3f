//! What an administrator does.

mod invite;
mod list_invitations;
mod list_people;
mod reset_second_factor;
mod revoke_invitation;
mod set_disabled;
mod set_quota;
mod show_server;

use sv_api::endpoint::{
    CreateInvitation, GetServerStatus, ListInvitations, ListPeople, ResetPersonSecondFactor,
    RevokeInvitation, SetPersonDisabled, SetPersonQuota,
};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<GetServerStatus, _, _, _>(show_server::show_server)
        .add::<ListPeople, _, _, _>(list_people::list_people)
        .add::<SetPersonQuota, _, _, _>(set_quota::set_quota)
        .add::<SetPersonDisabled, _, _, _>(set_disabled::set_disabled)
        .add::<ResetPersonSecondFactor, _, _, _>(reset_second_factor::reset_second_factor)
        .add::<ListInvitations, _, _, _>(list_invitations::list_invitations)
        .add::<CreateInvitation, _, _, _>(invite::invite)
        .add::<RevokeInvitation, _, _, _>(revoke_invitation::revoke_invitation)
}
