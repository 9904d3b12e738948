"""The inverse problem: misfit, regularisers, descent, and the alternation with a CNN."""
