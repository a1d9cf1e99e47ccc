// Signing in and out, as `web` offers it.
import { web } from './clients'
import { unwrap } from './http'
import { Problem } from './problem'
import type { components } from './schema/web'

export type Me = components['schemas']['Me']
export type Persona = components['schemas']['Persona']

export async function me(): Promise<Me | undefined> {
  try {
    return await unwrap(web.GET('/auth/me'))
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return undefined
    throw error
  }
}

export const personas = () => unwrap(web.GET('/auth/personas')).then((list) => list.personas)
export const signIn = (person: string) => unwrap(web.POST('/auth/sign-in', { body: { person } }))
export const signOut = () => unwrap(web.POST('/auth/sign-out')).then((answer) => answer.next)
