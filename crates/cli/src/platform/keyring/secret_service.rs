//! The Secret Service of freedesktop.org, which GNOME, KDE and KeePassXC
//! offer, over the D-Bus of this session.
//!
//! Secrets cross the bus as they are ("plain"): it is a socket of this person
//! alone, and whoever may listen there may ask for the item as well.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zbus::message::Type as MessageType;
use zbus::{Connection, DynamicType, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant};
use zbus::{Error, ObjectPath, Type, Variant};
use zeroize::Zeroizing;

use super::{ItemId, KeyringError, PERSON};

const BUS_NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// Stands for "no object".
const NOTHING: &str = "/";
/// How long the service has for an answer that needs no person.
const PATIENCE: Duration = Duration::from_secs(15);

/// Session, parameters, value, media type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// Keeps a secret; `label` is what people see in their keyring.
pub(in super::super) async fn keep(
    id: ItemId,
    secret: &[u8],
    label: &str,
    say: impl Fn(&str),
) -> Result<(), KeyringError> {
    let service = Service::open(&say).await?;
    let collection = service.collection().await?;
    let none = || KeyringError::Absent("it has no collection for new items".to_owned());
    let collection = collection.ok_or_else(none)?;
    service.unlock(&collection).await?;
    let session = service.session().await?;
    let id = id.to_string();
    let properties = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
        (
            "org.freedesktop.Secret.Item.Attributes",
            Variant::from(attributes(&id)),
        ),
    ]);
    let media_type = "application/octet-stream".to_owned();
    let secret: Secret = (session, Vec::new(), secret.to_vec(), media_type);
    let made = (properties, secret, true);
    let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = service
        .call(collection.as_str(), COLLECTION, "CreateItem", &made)
        .await?;
    let _value = Zeroizing::new(made.1.2);
    service.finish(&prompt).await
}

/// The secret, if there is one.
pub(in super::super) async fn find(
    id: ItemId,
    say: impl Fn(&str),
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let service = Service::open(&say).await?;
    let Some(item) = service.item(id).await? else {
        return Ok(None);
    };
    let session = service.session().await?;
    let (secret,): (Secret,) = service
        .call(item.as_str(), ITEM, "GetSecret", &(session,))
        .await?;
    Ok(Some(Zeroizing::new(secret.2)))
}

/// Removes the secret, if there is one.
pub(in super::super) async fn forget(id: ItemId, say: impl Fn(&str)) -> Result<(), KeyringError> {
    let service = Service::open(&say).await?;
    let Some(item) = service.item(id).await? else {
        return Ok(());
    };
    let prompt: OwnedObjectPath = service.call(item.as_str(), ITEM, "Delete", &()).await?;
    service.finish(&prompt).await
}

fn attributes(id: &str) -> HashMap<&str, &str> {
    HashMap::from([
        ("xdg:schema", "org.securevault.DeviceKey"),
        ("application", "securevault"),
        ("device-key", id),
    ])
}

/// The service, on the bus of this session.
struct Service<'s> {
    bus: Connection,
    say: &'s dyn Fn(&str),
}

impl<'s> Service<'s> {
    async fn open(say: &'s dyn Fn(&str)) -> Result<Self, KeyringError> {
        let bus = timeout(PATIENCE, Connection::session()).await;
        let bus = bus.map_err(|_| KeyringError::Silent)?;
        let bus = bus.map_err(|error| KeyringError::Absent(error.to_string()))?;
        Ok(Self { bus, say })
    }

    async fn call<A, T>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &A,
    ) -> Result<T, KeyringError>
    where
        A: Serialize + DynamicType,
        T: DeserializeOwned + Type,
    {
        let answer = self
            .bus
            .call_method(Some(BUS_NAME), path, Some(interface), method, arguments);
        let answer = timeout(PATIENCE, answer).await;
        let answer = answer.map_err(|_| KeyringError::Silent)?.map_err(explain)?;
        answer.body().deserialize().map_err(explain)
    }

    /// What secrets are asked for in.
    async fn session(&self) -> Result<OwnedObjectPath, KeyringError> {
        let plain = ("plain", Variant::from(""));
        let (_, session): (OwnedVariant, OwnedObjectPath) = self
            .call(SERVICE_PATH, SERVICE, "OpenSession", &plain)
            .await?;
        Ok(session)
    }

    /// Where new items go.
    async fn collection(&self) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let path: OwnedObjectPath = self
            .call(SERVICE_PATH, SERVICE, "ReadAlias", &("default",))
            .await?;
        Ok((path.as_str() != NOTHING).then_some(path))
    }

    /// An item, unlocked. A collection that is locked does not always say what
    /// it holds.
    async fn item(&self, id: ItemId) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let mut item = self.search(id).await?;
        if item.is_none()
            && let Some(collection) = self.collection().await?
        {
            self.unlock(&collection).await?;
            item = self.search(id).await?;
        }
        if let Some(item) = &item {
            self.unlock(item).await?;
        }
        Ok(item)
    }

    async fn search(&self, id: ItemId) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let id = id.to_string();
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = self
            .call(SERVICE_PATH, SERVICE, "SearchItems", &(attributes(&id),))
            .await?;
        Ok(open.into_iter().chain(locked).next())
    }

    /// Unlocks a collection or item that is locked, by asking the person.
    async fn unlock(&self, object: &OwnedObjectPath) -> Result<(), KeyringError> {
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = self
            .call(SERVICE_PATH, SERVICE, "Unlock", &(vec![object],))
            .await?;
        self.finish(&prompt).await
    }

    /// Shows the service's question, if it has one, and waits for the answer.
    async fn finish(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        if prompt.as_str() == NOTHING {
            return Ok(());
        }
        if !has_screen() {
            self.dismiss(prompt).await;
            return Err(KeyringError::Locked);
        }
        (self.say)("The keyring of this system is locked: answer the window that it opens …");
        let mut answers = self.answers(prompt).await.map_err(explain)?;
        let () = self.call(prompt.as_str(), PROMPT, "Prompt", &("",)).await?;
        match timeout(PERSON, answers.next()).await {
            Ok(Some(Ok(answer))) => {
                let (dismissed, _): (bool, OwnedVariant) =
                    answer.body().deserialize().map_err(explain)?;
                if dismissed {
                    Err(KeyringError::Locked)
                } else {
                    Ok(())
                }
            }
            Ok(Some(Err(error))) => Err(explain(error)),
            Ok(None) => Err(KeyringError::Silent),
            Err(_) => {
                self.dismiss(prompt).await;
                Err(KeyringError::Locked)
            }
        }
    }

    async fn answers(&self, prompt: &OwnedObjectPath) -> Result<MessageStream, Error> {
        let rule = MatchRule::builder()
            .msg_type(MessageType::Signal)
            .interface(PROMPT)
            .member("Completed")
            .path(ObjectPath::try_from(prompt.as_str())?)
            .build()?;
        MessageStream::for_match_rule(rule, &self.bus, None).await
    }

    /// Takes a question back; if that fails the service forgets it with us.
    async fn dismiss(&self, prompt: &OwnedObjectPath) {
        let _: Result<(), _> = self.call(prompt.as_str(), PROMPT, "Dismiss", &()).await;
    }
}

/// Whether there is a screen that a question could appear on.
fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn explain(error: Error) -> KeyringError {
    match &error {
        Error::FDO(why) if is_absence(why) => KeyringError::Absent(error.to_string()),
        Error::MethodError(name, ..) if name.as_str().ends_with("Secret.Error.IsLocked") => {
            KeyringError::Locked
        }
        _ => KeyringError::Failed(error.to_string()),
    }
}

/// Whether nobody on the bus is the Secret Service.
fn is_absence(error: &zbus::fdo::Error) -> bool {
    use zbus::fdo::Error;
    matches!(
        error,
        Error::ServiceUnknown(_)
            | Error::NameHasNoOwner(_)
            | Error::NoServer(_)
            | Error::Disconnected(_)
            | Error::SpawnExecFailed(_)
            | Error::SpawnForkFailed(_)
            | Error::SpawnChildExited(_)
            | Error::SpawnChildSignaled(_)
            | Error::SpawnFailed(_)
            | Error::SpawnServiceNotFound(_)
    )
}
