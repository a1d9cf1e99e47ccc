// Whether the page stands on a phone's width, and stays right when that changes.
import { useMedia } from './media'

export const useNarrow = () => useMedia('(max-width: 720px)')
