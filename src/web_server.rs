//! Where a server that is spoken to over HTTP is.

use std::fmt;

use reqwest::Url;

/// A server, and how to log in. Neither [`fmt::Debug`] nor [`fmt::Display`] shows user or password.
#[derive(Clone)]
pub struct WebServer(Url);

impl WebServer {
    /// Parses `http://host:port`, also with `user:password@` and a path before the API's.
    ///
    /// # Errors
    /// In words, without any part of it: one may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "write http://host:port, or https://user:password@host/path";
        let url = Url::parse(text).map_err(|error| format!("{error}; {form}"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(format!("it is spoken to over HTTP; {form}"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("there is a ? or # in it; {form}"));
        }
        Ok(Self(url))
    }

    /// The URL of a path of the server, which begins with a slash and is encoded as in a URL. User and password are in it.
    pub(crate) fn url_of(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Display for WebServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        // Both can be changed, since a URL of HTTP has a host.
        let _ = (url.set_username(""), url.set_password(None));
        f.write_str(url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for WebServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_any_url_of_http_and_never_shows_a_password() {
        let server = WebServer::parse("https://ann:s3%40cret@ml.example:5000/prefix/").unwrap();
        for shown in [format!("{server}"), format!("{server:?}")] {
            assert_eq!(shown, "https://ml.example:5000/prefix");
        }
        assert_eq!(server.url_of("/api/2.0").path(), "/prefix/api/2.0");
        assert_eq!(WebServer::parse("http://127.0.0.1:5000").unwrap().url_of("/api").path(), "/api");
        for wrong in ["sqlite:///s3cret.db", "http://ann:s3cret@", "http://h?s3cret", "http://h#s3cret", "s3cret", ""] {
            let error = WebServer::parse(wrong).unwrap_err();
            assert!(!error.contains("s3cret") && error.contains("write http://host:port"), "{error}");
        }
    }
}
