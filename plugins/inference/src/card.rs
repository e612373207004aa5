//! How busy the cards of this machine are, and how full their memory.

/// What a card says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardUsage {
    /// What it calls itself.
    pub name: String,
    /// The share of the last moments that it computed, in percent; nothing if it does not say.
    pub busy_percent: Option<u32>,
    /// Its memory; nothing if it does not say.
    pub memory: Option<CardMemory>,
}

/// The memory of a card, whoever uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMemory {
    /// Bytes that are taken.
    pub used_bytes: u64,
    /// All of its bytes.
    pub total_bytes: u64,
}

/// The NVIDIA cards of this machine, asked by the library of their driver. Without feature `cuda`,
/// driver or cards there are none.
///
/// An answer may take some milliseconds: keep it off the frame.
#[derive(Debug, Default)]
pub struct Cards {
    #[cfg(feature = "cuda")]
    driver: Option<nvml_wrapper::Nvml>,
}

impl Cards {
    /// Finds the driver.
    #[cfg(feature = "cuda")]
    pub fn open() -> Self {
        let driver = nvml_wrapper::Nvml::init();
        let tell = |error| tracing::info!("no card says how busy it is: {error}");
        Self {
            driver: driver.map_err(tell).ok(),
        }
    }

    /// Finds the driver.
    #[cfg(not(feature = "cuda"))]
    pub fn open() -> Self {
        Self::default()
    }

    /// Whether anybody can be asked: if not, there is never anything to see.
    pub fn is_blind(&self) -> bool {
        #[cfg(feature = "cuda")]
        let is_blind = self.driver.is_none();
        #[cfg(not(feature = "cuda"))]
        let is_blind = true;
        is_blind
    }

    /// Every card as it is now. One that does not answer is left out.
    #[cfg(feature = "cuda")]
    pub fn look(&self) -> Vec<CardUsage> {
        let Some(driver) = &self.driver else {
            return Vec::new();
        };
        let n_cards = driver.device_count().unwrap_or(0);
        let cards = (0..n_cards).filter_map(|nth| driver.device_by_index(nth).ok());
        cards
            .filter_map(|card| {
                let memory = card.memory_info().ok();
                Some(CardUsage {
                    name: card.name().ok()?,
                    busy_percent: card.utilization_rates().ok().map(|rates| rates.gpu),
                    memory: memory.map(|memory| CardMemory {
                        used_bytes: memory.used,
                        total_bytes: memory.total,
                    }),
                })
            })
            .collect()
    }

    /// Every card as it is now.
    #[cfg(not(feature = "cuda"))]
    pub fn look(&self) -> Vec<CardUsage> {
        Vec::new()
    }
}
