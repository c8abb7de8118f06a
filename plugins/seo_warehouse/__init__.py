"""The SEO warehouse: sources read nightly, gated, and modelled into facts that join links to positions."""
