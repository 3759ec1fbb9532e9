"""Sources: other systems that report and are told what became of it, and what staff register by hand. See README.md."""
