//! Draws the space, its agents, replicas and the flow of subtasks in 3D.
