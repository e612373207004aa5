//! Runs models beside a frame loop: requests, batching, worker threads, backends and the model store.
