//! A6: the server asks for a cheaper stretching of the password.

use serde_json::{Value, json};
use sv_client::account::{Reproof, Session, change_password};
use sv_testkit::{TestPlatform, run};

use super::world::World;

/// Parameters injected everywhere change nothing: what is registered and
/// logged in under them is good for an honest client, whose stretching is
/// compiled in (`pake` counts its calls). Fails if any answer is consulted.
#[test]
fn a6_parameters_from_the_server_are_ignored() {
    run(async {
        let world = World::new().await;
        let device = world.server.device();
        inject(&device);
        let mut session = world
            .alice
            .try_log_in(&world.server, device.clone())
            .await
            .unwrap();
        let password = "a wholly new password 7";
        let proof = Reproof::start(&mut session, sv_testkit::PASSWORD).await;
        let code = world.alice.code(&world.server);
        let session = proof.unwrap().finish(&code).await.unwrap();
        change_password(session, password).await.unwrap();
        let bodies = device.network.take_recording().answers;
        assert!(bodies.len() >= 8, "{}", bodies.len());

        let honest = world.server.device();
        let waiting = world.alice.password_step(honest.clone(), password).await;
        let code = world.alice.code(&world.server);
        let session = waiting.unwrap().finish(&code).await;
        assert!(session.is_ok(), "the new password is stretched as ever");
        assert!(Session::resume(honest).await.is_ok());
    });
}

/// Puts parameters into every object of every JSON answer.
fn inject(device: &TestPlatform) {
    device.network.rewrite(|_, mut answer| {
        if let Ok(mut whole) = serde_json::from_slice::<Value>(&answer.body) {
            spoil(&mut whole);
            answer.body = serde_json::to_vec(&whole).expect("JSON");
        }
        Ok(answer)
    });
}

fn spoil(value: &mut Value) {
    let Value::Object(fields) = value else {
        return;
    };
    fields.values_mut().for_each(spoil);
    for name in ["ksf", "kdf", "argon2", "params", "ksf_params", "config"] {
        fields.insert(name.into(), json!({"id": 0, "m": 8, "t": 1, "p": 1}));
    }
    for name in ["iterations", "kdf_iterations", "m", "t", "p", "memory_kib"] {
        fields.insert(name.into(), json!(1));
    }
    fields.insert("ksf_id".into(), json!("identity"));
    fields.insert("min_client".into(), json!("0.0.1"));
}
