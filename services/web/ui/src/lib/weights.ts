// Weights of siblings: those without one of their own share what is left to 100 (G2).
export type Weight = string | number | null | undefined

export function resolvedWeights(weights: readonly Weight[]): number[] {
  const own = weights.filter((one) => one !== null && one !== undefined).reduce<number>((sum, one) => sum + Number(one), 0)
  const unset = weights.filter((one) => one === null || one === undefined).length
  return weights.map((one) => (one === null || one === undefined ? Math.max(100 - own, 0) / unset : Number(one)))
}
