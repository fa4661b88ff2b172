"""Settings files that come with Hearsight; read them with runtime.config."""
