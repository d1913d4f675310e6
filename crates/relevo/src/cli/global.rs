//! The flags that every command takes, before or after its name, and what a command needs to speak to the server.

use std::time::Duration;

use clap::Args;

use relevo_catalogue::Language;

/// Where a client looks for the broker if nothing else is said: where `relevo serve` answers gRPC by default.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:8481";

/// How long a command tries if nothing else is said.
const TIMEOUT_DEFAULT: &str = "10s";

/// The longest time that a command may be told to try: a forgotten terminal should not hold a command for ever.
const TIMEOUT_MAX: Duration = Duration::from_hours(1);

/// What the process's exit status says, for scripts.
pub(crate) const EXIT_HELP: &str = "\
Exit status / estado de salida:
  0  done, or already so
  1  an error that none of the others names; the message says which
  2  the command line or a value in it is wrong; nothing was sent or written
  3  not found, or not visible with this API key
  4  refused by the state of things: somebody else has it or has answered, the 24-hour window is closed, the channel is paused,
     the command id was used for another command
  5  the API key is missing, unknown, or its role may not do this
  6  the server or its log is away, full or too slow; repeat it (a write: with the --command-id that the message names)";

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXIT_HELP)]
pub(crate) struct Global {
    /// gRPC address of the broker.
    ///
    /// Plain HTTP/2: meant for loopback or a private network.
    #[arg(long, global = true, env = "RELEVO_SERVER", default_value = SERVER_DEFAULT, value_name = "URL", help_heading = "Global options")]
    pub(crate) server: String,
    /// API key: who is asking. Its tenant, role, channels and teams come from the broker's configuration. No default.
    #[arg(
        long,
        global = true,
        env = "RELEVO_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        help_heading = "Global options"
    )]
    pub(crate) api_key: Option<String>,
    /// Language of what is printed, the server's messages included. Default: from LC_ALL, LC_MESSAGES or LANG.
    #[arg(long, global = true, env = "RELEVO_LANG", value_name = "es|en", value_parser = language, help_heading = "Global options")]
    pub(crate) lang: Option<Language>,
    /// Prints one JSON object instead of a table (streams: one a line). Field names as in the protos, 64-bit numbers as strings.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// How long to try, repetitions included, for example 500ms, 10s or 2m. Streams have no limit.
    #[arg(long, global = true, env = "RELEVO_TIMEOUT", default_value = TIMEOUT_DEFAULT, value_name = "TIME", value_parser = timeout, help_heading = "Global options")]
    pub(crate) timeout: Duration,
}

impl Global {
    /// The language to print in.
    pub(crate) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::from_env)
    }
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "es, en".to_owned())
}

/// `500ms`, `10s`, `2m`, or a bare number of seconds.
fn timeout(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_not_a_number| "500ms, 10s, 2m".to_owned())?;
    let duration = match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "" | "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err("500ms, 10s, 2m".to_owned()),
    };
    if duration.is_zero() || duration > TIMEOUT_MAX {
        return Err("1ms … 60m".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        assert_eq!(timeout("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(timeout("10"), Ok(Duration::from_secs(10)));
        assert_eq!(timeout("2m"), Ok(Duration::from_mins(2)));
        for bad in ["", "0", "s", "1h", "-1s", "99999999999999999999s", "61m"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
    }
}
