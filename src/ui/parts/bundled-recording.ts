/** The recorded runs that come with the page. */
import { LabError, messageOf } from '../../common/errors.ts';
import { parseRecording, type Recording } from '../../protocol/recording.ts';

/** A recording that comes with the page. @throws {LabError} `not-found`, `bad-file`, `bad-config` */
export async function bundledRecording(name: 'grpo' | 'mbo'): Promise<Recording> {
  const url = new URL(`recordings/${name}.json`, document.baseURI);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    const fix = 'Check the connection and try again.';
    throw new LabError('not-found', {
      message: `The recorded run could not be fetched: ${messageOf(cause)}.`,
      fix,
      cause,
    });
  }
  if (!response.ok) {
    throw new LabError('not-found', {
      message: `The recorded run ${name} is not there.`,
      got: `status ${response.status}`,
    });
  }
  return parseRecording(`${name}.json`, await response.text());
}
