//! Shows run control, roster and answers beside the 3D view.
