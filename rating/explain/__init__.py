"""Why a message costs what it costs; README.md says how this folder is laid out."""
