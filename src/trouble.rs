//! Trouble that lasts, which is said once.

use std::fmt::Display;

/// What was said last, while it lasts.
#[derive(Debug, Default)]
pub struct Trouble(Option<String>);

impl Trouble {
    /// Whether `error` is another one than was said last, and so is to be said.
    pub fn is_news(&mut self, error: &impl Display) -> bool {
        let error = error.to_string();
        let is_news = self.0.as_ref() != Some(&error);
        self.0 = Some(error);
        is_news
    }

    /// It is over. Whether there was any.
    pub fn ends(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_and_again_after_it_was_over() {
        let mut trouble = Trouble::default();
        assert!(!trouble.ends());
        assert_eq!(["a", "a", "b", "a"].map(|error| trouble.is_news(&error)), [true, false, true, true]);
        assert!(trouble.ends() && !trouble.ends());
        assert!(trouble.is_news(&"a"));
    }
}
