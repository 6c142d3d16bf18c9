"""Volume tiers by themselves: where edges lie, how messages divide, and what a change costs."""
