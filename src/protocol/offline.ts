/**
 * What the page and its offline copy (a service worker) say to each other: the page asks a newer version to take over,
 * the copy answers on the port that came with the question.
 */
import * as v from 'valibot';

/** The page's question. */
export const TAKE_OVER = 'take-over';

/** The copy's answer: it takes over, or it does not while other tabs of the lab work with the version before it. */
export const TakeOverReplySchema = v.picklist(['taking-over', 'other-tabs']);
export type TakeOverReply = v.InferOutput<typeof TakeOverReplySchema>;
