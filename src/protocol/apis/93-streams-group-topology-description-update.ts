import { api, array, int8, int16, int32, nullableString, string, struct } from '../schema.ts'

/** Brings the description of a streams topology; of the 4.4 line. */
export const StreamsGroupTopologyDescriptionUpdate = api({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    topologyEpoch: int32(),
    topologyDescription: struct({
      subtopologies: array({
        subtopologyId: string(),
        nodes: array({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: nullableString({ default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
      }),
      globalStores: array({
        source: struct({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: nullableString({ default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
        processor: struct({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: nullableString({ default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
  },
})
