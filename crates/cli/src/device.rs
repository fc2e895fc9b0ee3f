//! What this computer is called in the list of sessions and in histories.

use clap::Args;

use crate::human::printable;

/// Characters of a name at most.
const LONGEST: usize = 64;

/// Names this device.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// What to call this device [default: the computer's name]
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

impl DeviceArgs {
    /// The name; never empty.
    pub fn label(&self) -> String {
        let name = self
            .device
            .clone()
            .or_else(host_name)
            .map(|name| printable(&name).replace(['\n', '\t'], " "))
            .map(|name| name.trim().chars().take(LONGEST).collect::<String>())
            .filter(|name| !name.is_empty());
        name.unwrap_or_else(|| std::env::consts::OS.to_owned())
    }
}

fn host_name() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .or_else(|| std::env::var("HOSTNAME").ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_printable() {
        let label = |name: &str| {
            DeviceArgs {
                device: Some(name.to_owned()),
            }
            .label()
        };
        assert_eq!(label("  my laptop\n"), "my laptop");
        assert_eq!(label(&"x".repeat(100)).len(), LONGEST);
        assert!(!label("").is_empty());
    }
}
