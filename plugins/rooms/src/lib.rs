//! Reads scene files and turns them into spaces, stations, agents and resources.
