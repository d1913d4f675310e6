//! The languages that Relevo speaks, and how one is chosen.

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Language {
    /// Spanish: what Relevo speaks when nobody says otherwise.
    #[default]
    Es,
    /// English.
    En,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Es, Self::En];

    /// Its tag: `es` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// The language of a tag or locale: `es`, `es-AR`, `es_AR.UTF-8`, `EN`. `None` if Relevo does not speak it.
    pub fn parse(text: &str) -> Option<Self> {
        let language = text.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(language))
    }

    /// The first language of an `accept-language` value that Relevo speaks; Spanish if there is none.
    pub fn accepted(value: &str) -> Self {
        value.split(',').find_map(|range| Self::parse(range.split(';').next()?.trim())).unwrap_or_default()
    }

    /// The language of the terminal: the first of LC_ALL, LC_MESSAGES and LANG that is set. A language that Relevo does not
    /// speak gives English; no language at all (unset, `C`, `POSIX`) gives Spanish.
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        locale.map_or_else(Self::default, |locale| Self::of_locale(&locale))
    }

    fn of_locale(locale: &str) -> Self {
        let none = matches!(locale.split('.').next(), Some("C" | "POSIX"));
        if none { Self::default() } else { Self::parse(locale).unwrap_or(Self::En) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_locales_are_understood() {
        for (text, language) in [("es", Language::Es), ("es-AR", Language::Es), ("EN_us.UTF-8", Language::En)] {
            assert_eq!(Language::parse(text), Some(language), "{text}");
        }
        for text in ["", "de", "español", "e"] {
            assert_eq!(Language::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_accepted_language_that_we_speak_wins() {
        assert_eq!(Language::accepted("de-DE,en;q=0.8,es;q=0.5"), Language::En);
        assert_eq!(Language::accepted("fr, *"), Language::Es);
        assert_eq!(Language::accepted(""), Language::Es);
    }

    #[test]
    fn a_terminal_without_a_language_speaks_spanish_and_a_foreign_one_english() {
        assert_eq!(Language::of_locale("C.UTF-8"), Language::Es);
        assert_eq!(Language::of_locale("POSIX"), Language::Es);
        assert_eq!(Language::of_locale("de_DE.UTF-8"), Language::En);
        assert_eq!(Language::of_locale("es_AR.UTF-8"), Language::Es);
    }
}
