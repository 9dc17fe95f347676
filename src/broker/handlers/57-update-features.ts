import { UpdateFeatures } from '../../protocol/apis/57-update-features.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'
import { featureRecords } from '../update-features.ts'

/** All updates or none. Rules: admin-and-config.md section 8. */
export const updateFeatures = handler(
  UpdateFeatures,
  [0, 2],
  ({ featureUpdates, validateOnly }, { apiVersion }, { metadata, brokerId, settings }) =>
    settled(
      metadata.update((image) => {
        const { minInsyncReplicas } = settings
        const records = featureRecords(image, featureUpdates, { brokerId, minInsyncReplicas })
        return { records: validateOnly ? [] : records, result: undefined }
      }),
      () => ({
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        results:
          apiVersion >= 2
            ? []
            : featureUpdates.map(({ feature }) => ({
                feature,
                errorCode: ErrorCode.NONE,
                // Kafka fills in the name of the code.
                errorMessage: 'NONE',
              })),
      }),
    ),
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, results: [] }) },
)
