//! A23: bytes of elsewhere in the place of what people share.

use std::collections::BTreeMap;

use sv_api::Wire;
use sv_api::endpoint::{GetBlock, GetContents};
use sv_api::vault::Contents;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::progress::Reporter;
use sv_client::sharing::{self, Last};
use sv_client::transfer::DownloadPlan;
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, MemoryTarget, TestPlatform, TestServer, dated_file, file, folder, put, run,
};

use super::a26_exchange::answers;
use super::mutations::is_content;
use super::stand::share;
use super::world::pattern;

/// Bytes of a file that is too long to travel with its entry.
pub(super) const LONG: usize = 70_000;

/// Gets everything below a path.
pub(super) async fn get_all(
    device: &TestPlatform,
    path: &str,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let session = Session::resume(device.clone()).await?;
    let (drive, root) = sharing::open_at(&session, &path.parse()?, Last::Through).await?;
    let target = MemoryTarget::default();
    let plan = DownloadPlan::new(&drive, &root, None)?;
    let done = plan.run(&drive, &target, &Reporter::silent()).await;
    assert!(target.partial.borrow().is_empty(), "nothing is left over");
    done?;
    let files = target.files.borrow().clone();
    Ok(files)
}

/// In the place of a file in a shared folder: another file of its length, its
/// own older version, a file of the other person's own, one of another shared
/// folder; long ones and short ones. Fails without content id and index in the
/// Box's context and without `blocks_root`.
#[test]
fn a23_no_block_of_elsewhere_is_taken() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let long = |seed| pattern(LONG, seed);
        let files = vec![
            folder("work"),
            file("work/it", long(1)),
            file("work/beside", long(2)),
            file("work/note", "one"),
            file("work/other", "two"),
            folder("else"),
            file("else/there", long(3)),
            file("else/note", "six"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        share(&anna, "/work", "bob", Role::Editor).await;
        share(&anna, "/else", "bob", Role::Editor).await;
        let path = "/work".parse().unwrap();
        let opened = sharing::open_at(&anna, &path, Last::Through).await;
        let (mut work, _) = opened.unwrap();
        let older = get_all(anna.platform(), "/work").await.unwrap();
        let later = 1_700_000_001_000;
        let newer = vec![
            dated_file("it", long(4), later),
            dated_file("note", "ten", later),
        ];
        put(&mut work, "/", newer).await.unwrap();
        drop(work);
        let mut drive = Drive::open(&bob).await.unwrap();
        let files = vec![file("mine", long(5)), file("short", "who")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);

        // Everything that anybody is shown, as the server has it.
        let before = anna.platform().network.take_recording();
        let honest = get_all(anna.platform(), "/work").await.unwrap();
        assert_ne!(honest["it"], older["it"]);
        assert!(honest.len() >= 4, "{:?}", honest.keys());
        get_all(anna.platform(), "/else").await.unwrap();
        get_all(bob.platform(), "/").await.unwrap();
        let mut recordings = vec![before];
        for session in [&anna, &bob] {
            recordings.push(session.platform().network.take_recording());
        }
        let mut blocks: Vec<(String, Vec<u8>)> = Vec::new();
        let mut shorts = Vec::new();
        for recording in &recordings {
            blocks.extend(answers::<GetBlock>(recording));
            for (_, body) in answers::<GetContents>(recording) {
                shorts.extend(Contents::parse(&body).unwrap().contents);
            }
        }
        blocks.sort();
        blocks.dedup();
        shorts.sort_by_key(|content| content.content_id);
        shorts.dedup();
        assert!(blocks.len() >= 5 && shorts.len() >= 5, "{}", shorts.len());

        let url = server.url();
        let is_caught = |outcome: Result<_>, what: &str| {
            let error = outcome.expect_err(what);
            assert!(is_content(&error), "{what}: {error:?}");
        };
        for (path, own) in &blocks {
            for (other, block) in blocks.iter().filter(|(_, block)| block != own) {
                let device = anna.platform().copy(&url);
                let (path, block) = (path.clone(), block.clone());
                let what = format!("{other} as {path}");
                let is_asked = std::rc::Rc::new(std::cell::Cell::new(false));
                let asked_for = is_asked.clone();
                device.network.rewrite(move |asked, mut answer| {
                    if asked.path == path {
                        asked_for.set(true);
                        answer.body.clone_from(&block);
                    }
                    Ok(answer)
                });
                let outcome = get_all(&device, "/work").await;
                match is_asked.get() {
                    true => is_caught(outcome, &what),
                    // Of an older version, or in another folder: not asked for.
                    false => assert_eq!(outcome.unwrap(), honest),
                }
            }
        }
        for (with_id, content) in [(true, &shorts), (false, &shorts)]
            .into_iter()
            .flat_map(|(with_id, all)| all.iter().map(move |content| (with_id, content)))
        {
            let device = anna.platform().copy(&url);
            let planted = content.clone();
            let is_other = std::rc::Rc::new(std::cell::Cell::new(false));
            let was_other = is_other.clone();
            device.network.rewrite_fields::<GetContents>(move |answer| {
                let Some(first) = answer.contents.first_mut() else {
                    return;
                };
                was_other.set(first.block != planted.block);
                first.block.clone_from(&planted.block);
                if with_id {
                    first.content_id = planted.content_id;
                }
            });
            let outcome = get_all(&device, "/work").await;
            match is_other.get() {
                true => is_caught(outcome, "a short content"),
                false => assert_eq!(outcome.unwrap(), honest),
            }
        }
        assert_eq!(get_all(anna.platform(), "/work").await.unwrap(), honest);
    });
}
