"""Where the agents meet the world: sessions, the journal of their steps, the toolbox, the budget, and reading it all back."""
