"""SAR-Narrator: annotations become checked English, and English becomes claims that can be checked."""
