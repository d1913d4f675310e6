//! Made-up histories: what bots do in their turns. A step that is not possible becomes one that is.

use std::time::Duration;

use rand::RngExt as _;
use relevo_domain::conversation::{Bot, Command, Decision, Envelope, TurnEnd, decide};
use relevo_domain::{Actor, AgentId, MessageId, Role, Timestamp};

use super::{Writer, must};

/// How long a bot has its turn.
const TURN: Duration = Duration::from_mins(1);
/// Messages until one of them is a person's, by all odds.
const WRITES_MAX: usize = 100;

impl Writer {
    /// A bot takes a turn, ends the one that it has, or takes one that another has had for too long.
    pub(super) fn turn(&mut self, talk: usize) {
        let bots = ["helper", "night"];
        let bot = must(AgentId::new(bots[self.random.random_range(0..bots.len())]), "name a bot");
        let now = Timestamp::from_millis(self.now);
        let (bot, command) = match self.talks[talk].opened().turns.running.clone() {
            Some(turn) if turn.given.until > now => {
                let how = if self.random.random_bool(0.5) { TurnEnd::Done } else { TurnEnd::Failed };
                (turn.given.bot, Command::EndTurn { turn: turn.number, how })
            }
            Some(_) | None => {
                let claim = format!("node/{}", self.random.random_range(0..100));
                (bot, Command::StartTurn { claim, until: now + TURN })
            }
        };
        let actor = Actor::Bot(bot);
        let role = Some(Role::Bot);
        let envelope = Envelope { actor: actor.clone(), role, now, new_message: MessageId::new([0; 16]) };
        match decide(&self.talks[talk].state, &envelope, &command) {
            Ok(Decision::Append(events)) => self.tell(talk, actor, events),
            Ok(Decision::AlreadySo) | Err(_) => self.write(talk),
        }
    }

    /// A turn that begins, in which the bot shows that it writes, and one that ends.
    pub(super) fn tour_of_turns(&mut self, talk: usize) {
        if self.talks[talk].opened().bot != Bot::Active {
            self.resume(talk);
        }
        for _ in 0..WRITES_MAX {
            if self.talks[talk].opened().turns.due.is_some() {
                break;
            }
            self.write(talk);
        }
        for _ in 0..WRITES_MAX {
            self.turn(talk);
            if self.talks[talk].opened().turns.running.is_some() {
                self.signal(talk);
            }
            if self.talks[talk].opened().turns.failed > 0 {
                break;
            }
        }
    }
}
