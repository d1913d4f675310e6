//! The keys that derived ids are made with: one a tenant, and the log says which.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_command::workspace::ensure_id_key;
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::TenantId;

use super::ServeError;
use super::broker::now;
use super::data_dir::{DataDir, KeptKey};
use super::error::chain;
use crate::config::Config;

/// Every tenant's id key with where it is kept, and alone.
type All = (Vec<(TenantId, KeptKey)>, Arc<HashMap<TenantId, IdKey>>);

/// Every tenant's id key.
pub(super) fn all(config: &Config, data: &DataDir) -> Result<All, ServeError> {
    let kept = config.tenants.iter().map(|tenant| Ok((tenant.name.clone(), data.id_key(&tenant.name)?)));
    let kept: Vec<(TenantId, KeptKey)> = kept.collect::<Result<_, ServeError>>()?;
    let keys = Arc::new(kept.iter().map(|(tenant, kept)| (tenant.clone(), kept.key.clone())).collect());
    Ok((kept, keys))
}

/// Intake must not derive one id before it is sure that the key is the one that the log was written with.
pub(super) async fn check(ledger: &Ledger, kept: Vec<(TenantId, KeptKey)>) -> Result<(), ServeError> {
    // A decision store that was deleted is built anew first, however long that takes.
    loop {
        match ledger.catch_up().await {
            Ok(()) => break,
            Err(LedgerError::Lagging) => tracing::info!("decision store is catching up"),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "decision store is not there yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    for (tenant, kept) in kept {
        if let Err(error) = ensure_id_key(ledger, &tenant, &kept.key, now()).await {
            let error = ServeError::id_key(error, kept.path.clone());
            if kept.made && matches!(error, ServeError::IdKeyChanged { .. }) {
                // The right one can be put back only if this one is not in its place.
                std::fs::remove_file(&kept.path).map_err(ServeError::io(&kept.path))?;
            }
            return Err(error);
        }
    }
    Ok(())
}
