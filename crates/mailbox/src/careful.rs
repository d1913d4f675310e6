//! Finding the one mail that a server cannot show, and when to ask for less of it, and when to go on without it.

use crate::trouble::{BYE, Trouble};

/// After the server has said so often that it cannot show a mail, its header alone is brought in.
const HEADER_ONLY_AFTER: u32 = 2;
/// After the connection has ended so often without a word at this one mail, though all else worked each time: lines are cut for
/// many reasons, and a mail whose files were left behind is left so.
const HEADER_ONLY_SILENT_AFTER: u32 = 20;
/// After so many a mail is passed over whose very header the server says that it cannot show.
const PASSED_OVER_AFTER: u32 = 5;
/// After so many it is passed over if the connection ends without a word.
const PASSED_OVER_SILENT_AFTER: u32 = 25;

/// What is known of a mail that sessions end at. Servers end them when they cannot show a mail, without saying which of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Careful {
    /// The first of those that were asked for.
    uid: u32,
    /// How many are asked for at once now: half as many after each failure, until it is one.
    pub(crate) span: usize,
    /// How often this very mail was asked for in vain.
    pub(crate) tries: u32,
    /// How often of these the server said that it cannot.
    refusals: u32,
    /// The server does not even say its size.
    pub(crate) unlisted: bool,
}

impl Careful {
    /// Whether it is still open which mail it is.
    pub(crate) const fn is_narrowing(&self) -> bool {
        self.tries == 0
    }

    /// Whether it is tried to bring in the whole mail.
    pub(crate) const fn may_be_whole(&self) -> bool {
        self.refusals < HEADER_ONLY_AFTER && self.tries < HEADER_ONLY_SILENT_AFTER
    }

    pub(crate) fn about(careful: Option<Self>, uid: u32) -> Option<Self> {
        careful.filter(|careful| careful.uid == uid && careful.tries > 0)
    }

    /// After `uids` were asked for in vain.
    pub(crate) fn suspect(careful: &mut Option<Self>, uids: &[u32], listing: bool, trouble: &Trouble) {
        let about_the_mail = matches!(trouble, Trouble::Refused(_) | Trouble::Connection(_));
        let Some(uid) = uids.first().copied().filter(|_| about_the_mail) else { return };
        let before = Self::about(*careful, uid);
        let alone = uids.len() == 1;
        let refused = matches!(trouble, Trouble::Refused(_) | Trouble::Connection(BYE));
        *careful = Some(Self {
            uid,
            span: (uids.len() / 2).max(1),
            tries: u32::from(alone) * (before.map_or(0, |before| before.tries) + 1),
            refusals: u32::from(alone) * (before.map_or(0, |before| before.refusals) + u32::from(refused)),
            unlisted: alone && (listing || before.is_some_and(|before| before.unlisted)),
        });
    }
}

/// Whether a mail is passed over after this trouble with its header.
pub(crate) fn given_up(trouble: &Trouble, careful: Option<Careful>) -> bool {
    let Some(Careful { tries, refusals, .. }) = careful else { return false };
    match trouble {
        Trouble::Refused(_) | Trouble::Connection(BYE) => refusals >= PASSED_OVER_AFTER,
        Trouble::Connection(_) => tries >= PASSED_OVER_SILENT_AFTER,
        Trouble::Denied(_)
        | Trouble::Account { .. }
        | Trouble::Throttled
        | Trouble::Token(_)
        | Trouble::Log(_)
        | Trouble::Lost
        | Trouble::Stopped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_end_lead_to_the_one_mail_and_only_words_condemn_it_soon() {
        let bye = Trouble::Connection(BYE);
        let mut careful = None;
        let mut uids: Vec<u32> = (1..=200).collect();
        let mut failures = 0;
        // The poison is number 137: what is asked for in vain is what holds it.
        while uids.len() > 1 {
            Careful::suspect(&mut careful, &uids, true, &bye);
            failures += 1;
            let span = careful.unwrap().span;
            uids = uids.chunks(span).find(|uids| uids.contains(&137)).unwrap().to_vec();
        }
        assert!(failures <= 9 && careful.unwrap().is_narrowing(), "{failures} {careful:?}");
        for tries in 1..=PASSED_OVER_AFTER {
            assert!(!given_up(&bye, careful));
            Careful::suspect(&mut careful, &uids, true, &bye);
            assert_eq!(
                Careful::about(careful, 137).map(|careful| (careful.tries, careful.unlisted)),
                Some((tries, true))
            );
        }
        assert!(given_up(&bye, careful) && !given_up(&Trouble::Connection("closed"), careful));
        assert!(!given_up(&Trouble::Throttled, careful));
        // What is not about the mail changes nothing.
        let before = careful;
        Careful::suspect(&mut careful, &[1, 2, 3], false, &Trouble::Throttled);
        assert_eq!(careful, before);
    }

    #[test]
    fn a_line_that_is_cut_is_no_word_against_a_mail() {
        let after = |troubles: &[(Trouble, u32)]| {
            let mut careful = None;
            for (trouble, times) in troubles {
                (0..*times).for_each(|_| Careful::suspect(&mut careful, &[7], false, trouble));
            }
            careful.unwrap()
        };
        let cut = |times| (Trouble::Connection("closed"), times);
        let refused = |times| (Trouble::Refused("no"), times);
        assert!(after(&[cut(HEADER_ONLY_SILENT_AFTER - 1)]).may_be_whole());
        assert!(!after(&[cut(HEADER_ONLY_SILENT_AFTER)]).may_be_whole());
        assert!(after(&[refused(1), cut(5)]).may_be_whole(), "one word, and many cuts");
        assert!(!after(&[cut(1), refused(1), cut(1), refused(1)]).may_be_whole(), "two words");
        // Its header is asked for before it is passed over.
        let given_up_after = |careful| given_up(&Trouble::Connection("stalled"), Some(careful));
        assert!(!given_up_after(after(&[cut(HEADER_ONLY_SILENT_AFTER + 1)])));
        assert!(given_up_after(after(&[cut(PASSED_OVER_SILENT_AFTER)])));
        assert!(!given_up(&Trouble::Refused("no"), Some(after(&[cut(PASSED_OVER_AFTER)]))));
    }
}
