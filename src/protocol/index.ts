export {
  AccessActionSchema,
  type LogEntryJson,
  LogEntrySchema,
  type LogPageJson,
  LogPageSchema,
} from './access-log.ts';
export {
  type AssetJson,
  type AssetPageJson,
  AssetPageSchema,
  AssetSchema,
  type PresignedJson,
  PresignedSchema,
  type UploadResultJson,
  UploadResultSchema,
} from './asset.ts';
export {
  type BeginUploadJson,
  BeginUploadSchema,
  type PartNumbersJson,
  PartNumbersSchema,
  type UploadInstructionsJson,
  UploadInstructionsSchema,
  type UploadPartJson,
  UploadPartSchema,
  type UploadPartsJson,
  UploadPartsSchema,
} from './direct-upload.ts';
export { PROBLEM_MEDIA_TYPE, type ProblemJson, ProblemSchema } from './problem.ts';
export {
  type ErasureJson,
  ErasureSchema,
  type HealthJson,
  HealthSchema,
  type ProbeJson,
  ProbeSchema,
  type UsageJson,
  UsageSchema,
} from './service.ts';
