//! The main job, end to end.

use sv_client::drive::Drive;
use sv_testkit::{Actor, TestServer, file, folder, get, put, run};

#[test]
fn what_one_device_puts_another_gets_back() {
    run(async {
        let server = TestServer::start().await;
        let (actor, session) = Actor::sign_up(&server, "alice").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let long: Vec<u8> = (0..9_000_000u32).map(|i| (i * 31 % 251) as u8).collect();
        let files = vec![
            folder("docs"),
            folder("docs/empty"),
            file("docs/a.txt", "hello"),
            file("docs/nothing", ""),
            file("docs/middle", vec![7; 300_000]),
            file("long", long.clone()),
        ];
        let outcome = put(&mut drive, "/", files).await.unwrap();
        assert_eq!((outcome.uploaded, outcome.folders), (4, 2));

        let other = actor.log_in(&server).await;
        let drive = Drive::open(&other).await.unwrap();
        let got = get(&drive, "/").await.unwrap();
        assert_eq!(got["docs/a.txt"], b"hello");
        assert_eq!(got["docs/nothing"], b"");
        assert_eq!(got["docs/middle"], vec![7; 300_000]);
        assert_eq!(got["long"], long);
        assert!(got.contains_key("docs/empty/"));
    });
}
