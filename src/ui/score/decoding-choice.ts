/** How reasons are to be written, as a choice with its explanation. */
import { html } from 'lit';
import { type DecodingKind, DECODINGS } from '../../config/decoding.ts';

/** What each way is, for a reader who has never heard of decoding. */
const EXPLANATIONS: Readonly<Record<DecodingKind, { readonly name: string; readonly says: string }>> = {
  grounded: {
    name: 'grounded',
    says: 'The model follows the form and quotes words of this pair alone. Which rule decides stays its own choice.',
  },
  grammar: {
    name: 'grammar',
    says: 'The model follows the form: known rules, none twice, the label restated. It may quote words that are not there.',
  },
  free: { name: 'free', says: 'Nothing is held: the model writes what it has learned to write, mistakes included.' },
};

/** @param choose - called with another way when it is chosen */
export function decodingChoice(chosen: DecodingKind, choose: (decoding: DecodingKind) => void): unknown {
  const changed = ({ currentTarget: select }: Event): void => {
    if (!(select instanceof HTMLSelectElement)) return;
    const decoding = DECODINGS.find((each) => each === select.value);
    if (decoding !== undefined) choose(decoding);
  };
  return html`<div class="decoding">
    <label for="decoding">Reasons are</label>
    <select id="decoding" class="control" .value=${chosen} aria-describedby="decoding-says" @change=${changed}>
      ${DECODINGS.toReversed().map(
        (each) => html`<option value=${each} ?selected=${each === chosen}>${EXPLANATIONS[each].name}</option>`,
      )}
    </select>
    <p id="decoding-says">${EXPLANATIONS[chosen].says} The label comes first and is the same.</p>
  </div>`;
}
