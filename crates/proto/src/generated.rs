//! The generated messages and services, one module a package.

/// What the log holds, for ever.
pub mod event {
    pub mod v1 {
        tonic::include_proto!("relevo.event.v1");
    }
}

/// What can be asked of a conversation.
pub mod command {
    pub mod v1 {
        tonic::include_proto!("relevo.command.v1");
    }
}

/// What can be read.
pub mod query {
    pub mod v1 {
        tonic::include_proto!("relevo.query.v1");
    }
}

/// What operators read and do.
pub mod admin {
    pub mod v1 {
        tonic::include_proto!("relevo.admin.v1");
    }
}

/// Who may ask, and how a frontend signs its people in.
pub mod auth {
    pub mod v1 {
        tonic::include_proto!("relevo.auth.v1");
    }
}

/// How a bot is given turns, and acts in them.
pub mod bot {
    pub mod v1 {
        tonic::include_proto!("relevo.bot.v1");
    }
}
