/**
 * Messages between the page and its offline copy (a service worker): the page asks a newer version to take over, and
 * the copy answers on the port that came with the request.
 */
import * as v from 'valibot';

/** The page's request. */
export const TAKE_OVER = 'take-over';

/** The copy's answer: it takes over, or it waits because other tabs still use the previous version. */
export const TakeOverReplySchema = v.picklist(['taking-over', 'other-tabs']);
export type TakeOverReply = v.InferOutput<typeof TakeOverReplySchema>;
