// Who is signed in, and what their roles show them.
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import * as auth from '@/api/auth'
import { dropAllDrafts } from '@/lib/draft'
import { useConnection } from './connection'

export const useSession = defineStore('session', () => {
  const person = ref<auth.Me>()
  const known = ref(false)

  async function load() {
    person.value = await auth.me()
    known.value = true
  }
  async function signIn(id: string) {
    await auth.signIn(id)
    await load()
  }
  async function signOut() {
    // what can still be taken back is this person's: it goes before they do
    await useConnection().sendHeldNow(person.value?.person ?? '')
    const next = await auth.signOut()
    // the company's identity provider has a session of its own to end
    dropAllDrafts()
    if (next.startsWith('/auth/')) location.assign(next)
    else person.value = undefined
  }
  function has(...roles: string[]) {
    return roles.some((role) => person.value?.roles.includes(role))
  }
  return {
    person,
    known,
    id: computed(() => person.value?.person ?? ''),
    load,
    signIn,
    signOut,
    has,
    lost: () => (person.value = undefined),
  }
})
