export type { Asset, Catalog } from './catalog/catalog.ts';
export type { Config } from './config/config.ts';
export {
  type AssetTypeFields,
  defineConfig,
  type ProvisioningFields,
  type StowageConfigFile,
} from './config/define-config.ts';
export { ConfigError } from './config/problems.ts';
export type { AssetType } from './core/asset-type.ts';
export { type ErrorCode, type ErrorFields, isStowageError, StowageError } from './core/errors.ts';
export type { Log } from './core/log.ts';
export type { Principal, RequestOrigin } from './core/principal.ts';
export type { AppDatabase } from './library/app-database.ts';
export type { AppMigration, AppMigrations } from './library/app-migrations.ts';
export type { Authenticate } from './library/authenticator.ts';
export type { Caller } from './library/callers.ts';
export { createStowage, type StowageOptions } from './library/create-stowage.ts';
export type { EventName, Listener } from './library/events.ts';
export { acceptForms, type Handler } from './library/handler.ts';
export type { FormReceipt, ReceivedForm } from './library/receive.ts';
export type { LinkBounds, LinkRules } from './library/record-links.ts';
export type { Stowage } from './library/stowage.ts';
export type { InTransaction, RecordAsset, Transaction } from './library/transactions.ts';
export { openService, type Service, type ServiceOptions } from './service/open-service.ts';
export type { StorageBackend } from './storage/backend.ts';
export type { FileUploadRequest, Intake, UploadReceipt } from './uploads/upload.ts';
