//! Turning pages: from a token (or none) to a moment and a place in the list, and back.

use relevo_domain::{Caller, Timestamp};
use relevo_projection::{View, ViewSnapshot};

use crate::cursor::PageCursor;
use crate::error::QueryError;
use crate::moment::{List, Moment};
use crate::page_token::Belongs;
use crate::request::Freshness;
use crate::{Inner, Query, moment};

/// Where one page begins.
#[derive(Debug)]
pub(crate) struct Turn<C> {
    pub(crate) moment: ViewSnapshot,
    /// The time that all pages of the list share: decides what is due.
    pub(crate) now: Timestamp,
    /// The row after which the page begins; `None` on the first page.
    pub(crate) after: Option<C>,
    /// Id of the moment, if it is kept already.
    kept: Option<u64>,
    /// Name of the view that the moment is of.
    view: &'static str,
}

impl Query {
    /// The moment of a page: a new one for the first, the kept one for the others.
    pub(crate) async fn turn<C: PageCursor>(
        &self,
        view: &View,
        belongs: &Belongs,
        page_token: &str,
        freshness: Freshness,
    ) -> Result<Turn<C>, QueryError> {
        let Inner { tokens, moments, .. } = &*self.inner;
        if page_token.is_empty() {
            let moment = moment::take(view, freshness).await?;
            let list = List { view: view.name(), request: belongs.digest() };
            let now = (self.inner.ports.now)();
            let now = moments.same_time(belongs.owner(), list, &moment, now).unwrap_or(now);
            return Ok(Turn { moment, now, after: None, kept: None, view: view.name() });
        }
        let turned = tokens.read(belongs, page_token)?;
        let Moment { rows, now, .. } = moments.find(turned.moment).ok_or(QueryError::CursorExpired)?;
        // Signed by us, so a cursor that cannot be read is one of an earlier version: as good as gone.
        let after = C::from_bytes(&turned.cursor).ok_or(QueryError::CursorExpired)?;
        Ok(Turn { moment: rows, now, after: Some(after), kept: Some(turned.moment), view: view.name() })
    }

    /// The token of the next page; empty if there is none.
    pub(crate) fn next_token<C: PageCursor>(
        &self,
        caller: &Caller,
        belongs: &Belongs,
        kept: Kept,
        next: Option<&C>,
    ) -> String {
        let Some(next) = next else { return String::new() };
        let moment = kept.id.unwrap_or_else(|| {
            let list = List { view: kept.view, request: belongs.digest() };
            self.inner.moments.keep(caller, list, kept.moment)
        });
        self.inner.tokens.write(belongs, moment, &next.to_bytes())
    }
}

/// What is needed to keep a page's moment, after its place was used.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    moment: Moment,
    id: Option<u64>,
    view: &'static str,
}

impl<C> Turn<C> {
    /// To be kept as a list that time alone does not change, until [`Kept::stable_until`] says otherwise.
    pub(crate) fn to_keep(&self) -> Kept {
        let never = Timestamp::from_millis(i64::MAX);
        let moment = Moment { rows: self.moment.clone(), now: self.now, stable_until: never };
        Kept { moment, id: self.kept, view: self.view }
    }
}

impl Kept {
    /// From this time on the list may be another, though nothing happened: a snooze becomes due.
    pub(crate) const fn stable_until(mut self, time: Timestamp) -> Self {
        self.moment.stable_until = time;
        self
    }
}
