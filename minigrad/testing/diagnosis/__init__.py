"""Why a gradient is wrong: one small change that would make it right."""
