// A stale edit field by field: what it was when the reader began, what it is now, what the reader has made of it.

export interface ConflictRow {
  name: string
  label: string
  theirs: string
  mine: string
  /** A running text: both can stand, mine below theirs. */
  joins?: boolean
}

const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null)

/** Fields that the reader has changed and that now say something else. */
export function atStake(before: Record<string, unknown>, now: Record<string, unknown>, mine: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(mine)])
  return [...names].filter((name) => !same(mine[name], before[name]) && !same(mine[name], now[name]))
}

/** The newest state with the reader's own fields over it: all that the reader has changed, but for those given up. */
export function merged<T extends Record<string, unknown>>(before: T, now: T, mine: T, givenUp: readonly string[]): T {
  const names = new Set([...Object.keys(before), ...Object.keys(mine)])
  const own = [...names].filter((name) => !same(mine[name], before[name]) && !givenUp.includes(name))
  return { ...now, ...Object.fromEntries(own.map((name) => [name, mine[name]])) } as T
}
