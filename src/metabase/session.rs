//! A server that is up, and an admin who is logged in.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::limits::METABASE_POLL_MS;
use crate::metabase::MetabaseError;
use crate::metabase::client::MetabaseClient;
use crate::secret::Secret;

/// The name that a server gets at its first set-up.
const SITE_NAME: &str = "viewtide";

/// Who provisions.
#[derive(Clone, Debug)]
pub enum Login {
    /// Whoever the key is of.
    ApiKey(Secret),
    /// An admin. On a server that is not set up the first one, who is made.
    Admin {
        /// The e-mail address by which Metabase knows people.
        email: String,
        /// The password.
        password: Secret,
    },
}

/// Somebody who is logged in.
#[derive(Debug)]
pub struct Session {
    /// Whether there is something to log out of.
    is_ours: bool,
}

/// Waits until the server is up, at most `patience`, and returns what it says of itself.
///
/// # Errors
/// Where it is not up by then.
pub async fn wait_until_up(client: &MetabaseClient, patience: Duration) -> Result<Value, MetabaseError> {
    let begin = Instant::now();
    let mut is_said = false;
    loop {
        let up = async {
            client.get_once("/api/health").await?;
            client.get_once("/api/session/properties").await
        };
        let last = match up.await {
            Ok(properties) if properties["has-user-setup"].is_boolean() => return Ok(properties),
            Ok(properties) => client.not_understood("GET /api/session/properties", &properties),
            Err(error) => error,
        };
        // What is no Metabase does not become one.
        if matches!(last, MetabaseError::Answer { .. }) || last.has_status(&[401, 403, 404]) {
            return Err(last);
        }
        if begin.elapsed() >= patience {
            return Err(MetabaseError::NotUp { seconds: patience.as_secs(), last: last.to_string() });
        }
        if !is_said {
            tracing::info!("waiting for Metabase at {}: {last}", client.server());
            is_said = true;
        }
        tokio::time::sleep(Duration::from_millis(METABASE_POLL_MS)).await;
    }
}

impl Session {
    /// Logs in, on a server that is new as its first admin. `properties` are what the server says of itself.
    ///
    /// # Errors
    /// Where nobody is let in, or somebody who is no admin.
    pub async fn begin(client: &mut MetabaseClient, properties: &Value, login: &Login) -> Result<Self, MetabaseError> {
        let is_set_up = properties["has-user-setup"] == true;
        let is_ours = match login {
            Login::ApiKey(_) if !is_set_up => return Err(MetabaseError::NotSetUp),
            Login::ApiKey(key) => {
                client.log_in_by("x-api-key", key)?;
                false
            }
            Login::Admin { email, password } => {
                client.keep_out(password);
                let session = match is_set_up {
                    true => log_in(client, email, password).await?,
                    false => set_up(client, properties, email, password).await?,
                };
                client.log_in_by("x-metabase-session", &session)?;
                true
            }
        };
        let session = Self { is_ours };
        let checked = async {
            check_admin(client).await?;
            keep_to_itself(client).await
        };
        match checked.await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.end(client).await;
                Err(error)
            }
        }
    }

    /// Logs out. That it does not is of no consequence: a session ends by itself.
    pub async fn end(self, client: &MetabaseClient) {
        if self.is_ours
            && let Err(error) = client.delete("/api/session").await
        {
            tracing::debug!("not logged out: {error}");
        }
    }
}

async fn set_up(
    client: &mut MetabaseClient,
    properties: &Value,
    email: &str,
    password: &Secret,
) -> Result<Secret, MetabaseError> {
    let token = properties["setup-token"].as_str().and_then(Secret::new);
    let token = token.ok_or_else(|| client.not_understood("GET /api/session/properties", properties))?;
    client.keep_out(&token);
    let body = json!({
        "token": token.reveal(),
        "user": {"email": email, "password": password.reveal()},
        "prefs": {"site_name": SITE_NAME},
    });
    let answer = client.post("/api/setup", &body).await?;
    session_in(client, "POST /api/setup", &answer)
}

async fn log_in(client: &MetabaseClient, email: &str, password: &Secret) -> Result<Secret, MetabaseError> {
    let body = json!({"username": email, "password": password.reveal()});
    match client.post("/api/session", &body).await {
        Ok(answer) => session_in(client, "POST /api/session", &answer),
        Err(MetabaseError::Refused { status, message, .. }) if (400..500).contains(&status) => {
            // It says so with the status of a wrong request.
            Err(match status == 429 || message.to_lowercase().contains("too many attempts") {
                true => MetabaseError::Throttled(message),
                false => MetabaseError::Login { email: email.to_owned(), status, message },
            })
        }
        Err(error) => Err(error),
    }
}

fn session_in(client: &MetabaseClient, call: &str, answer: &Value) -> Result<Secret, MetabaseError> {
    let id = answer["id"].as_str().and_then(Secret::new);
    id.ok_or_else(|| client.not_understood(call, &json!("something without an id")))
}

/// Turns off what a server tells its makers of its use, where it was set up here: setting it up turned it on, and the run that did
/// so may have been broken off. How others set theirs is left.
async fn keep_to_itself(client: &MetabaseClient) -> Result<(), MetabaseError> {
    let settings = client.list_in("GET /api/setting", client.get("/api/setting").await?)?;
    let value = |key: &str| settings.iter().find(|of| of["key"] == *key).map_or(&Value::Null, |of| &of["value"]);
    if *value("site-name") == *SITE_NAME && *value("anon-tracking-enabled") == true {
        client.put("/api/setting/anon-tracking-enabled", &json!({"value": false})).await?;
        tracing::info!("what Metabase would tell its makers of its use is off");
    }
    Ok(())
}

async fn check_admin(client: &MetabaseClient) -> Result<(), MetabaseError> {
    let user = match client.get("/api/user/current").await {
        Err(MetabaseError::Refused { status: status @ (401 | 403), message, .. }) => {
            return Err(MetabaseError::ApiKey { status, message });
        }
        user => user?,
    };
    if user["is_superuser"] == true {
        return Ok(());
    }
    Err(MetabaseError::NoAdmin(client.shown(user["email"].as_str().unwrap_or("whoever is logged in"))))
}
