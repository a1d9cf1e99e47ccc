// Signing in and out, as `web` offers it.
import { json, post } from './http'
import { Problem } from './problem'

export interface Me {
  id: string
  name: string
  roles: string[]
  supplier?: string | null
  title?: string | null
  department?: string | null
}

export interface Persona extends Me {
  about?: string | null
}

export async function me(): Promise<Me | undefined> {
  try {
    return await json<Me>('/auth/me')
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return undefined
    throw error
  }
}

export const personas = () => json<Persona[]>('/auth/personas')
export const signIn = (person: string) => json<unknown>('/auth/sign-in', post({ person }))
export const signOut = () => json<unknown>('/auth/sign-out', post())
