/**
 * Asks the model and keeps the answer of one element up to date. It guarantees that the label is on the screen before
 * any reasoning: events after the label wait until a frame with the label has been painted, and are then drawn once a
 * frame. Otherwise a fast model would make the answer look as if it followed from its reasoning.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { failureOf } from '../../protocol/failure.ts';
import type { AnswerRequest, ScoringEvent } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { type AnswerState, applyEvent, failAnswer, NO_ANSWER, startAnswer } from './answer-state.ts';
import type { ScoringClient } from './scoring-client.ts';

/** A hidden page paints no frames, so events there wait at most this long. */
const LONGEST_FRAME_MS = 250;

/** A question being answered. */
interface Question {
  readonly abort: AbortController;
  readonly askedAtMs: number;
  /** Events that have arrived but are not drawn yet. */
  readonly waiting: ScoringEvent[];
}

export class AnswerController implements ReactiveController {
  state: AnswerState = NO_ANSWER;
  readonly #host: ReactiveControllerHost;
  #question: Question | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#question?.abort.abort();
    this.#question = undefined;
  }

  /**
   * Asks about a pair; a question that is still open is dropped.
   *
   * @param decoding - what the reasoning is held to, default what is usual for the model
   */
  ask(client: ScoringClient, pair: Pair, decoding?: AnswerRequest['decoding']): void {
    this.#question?.abort.abort();
    const question: Question = { abort: new AbortController(), askedAtMs: performance.now(), waiting: [] };
    this.#question = question;
    this.#show(startAnswer(this.state, pair));
    client
      .answer({ pair, reason: true, decoding }, (event) => this.#receive(question, event), question.abort.signal)
      .catch((thrown: unknown) => this.#receive(question, { kind: 'failed', ...failureOf(thrown) }));
  }

  /** Stops the model; a label that has arrived stays. */
  stop(): void {
    if (this.#question === undefined) return;
    this.#question.abort.abort();
    // The worker may be in the middle of a long step, so the page does not wait for it.
    this.#show(failAnswer(this.state, { code: 'aborted', message: 'Stopped on request.' }));
    this.#question = undefined;
  }

  /** Discards the answer. */
  clear(): void {
    this.stop();
    this.#show(NO_ANSWER);
  }

  #receive(question: Question, event: ScoringEvent): void {
    if (question !== this.#question) return;
    if (event.kind === 'label' && this.state.phase === 'reading') {
      void this.#showLabel(question, event);
      return;
    }
    question.waiting.push(event);
    // Events that wait for the label's frame are drawn with it.
    if (question.waiting.length === 1 && this.state.shownMs !== undefined) void this.#drawNextFrame(question);
    // Without a label there is no frame to wait for, so a failure is shown at once.
    if (this.state.phase === 'reading') this.#drawWaiting(question);
  }

  async #showLabel(question: Question, event: ScoringEvent): Promise<void> {
    this.#show(applyEvent(this.state, event));
    await this.#host.updateComplete;
    await framePainted();
    if (question !== this.#question) return;
    // For tools that look at a page; the browser would hold one for each answer of a day.
    performance.clearMarks('label-painted');
    performance.mark('label-painted');
    this.#show({ ...this.state, shownMs: performance.now() - question.askedAtMs });
    this.#drawWaiting(question);
  }

  async #drawNextFrame(question: Question): Promise<void> {
    await framePainted();
    this.#drawWaiting(question);
  }

  #drawWaiting(question: Question): void {
    if (question !== this.#question) return;
    this.#show(question.waiting.splice(0).reduce(applyEvent, this.state));
  }

  #show(state: AnswerState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}

/** Resolves just after the browser has painted a frame. */
function framePainted(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LONGEST_FRAME_MS);
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
