"""Goals, weights, locks, retest cards and targets."""
