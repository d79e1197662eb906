/** How a value is announced, and how sure that makes it. Texts are compared without marks and in lower case. */
export interface Label {
  readonly words: RegExp;
  readonly confidence: number;
}

const NO = String.raw`(?:no|nr|num|n|nummer|number|numero|numer|id)\b\.?\s?[º°o]?|[#№]|nº|n°`;

/** In English, German, French, Spanish, Italian, Dutch and Portuguese. The first that is found in a text counts. */
export const NUMBER_LABELS: readonly Label[] = [
  { words: new RegExp(String.raw`\b(?:tax )?(?:invoice|inv|bill)\.?\s?(?:${NO})`), confidence: 0.95 },
  { words: /\brechnungs?\s?-?\s?(?:nummer|nr\.?|no\.?|#)/, confidence: 0.95 },
  {
    words: new RegExp(
      String.raw`\b(?:facture|factura|fatura|fattura|factuur)(?:\s(?:de|del))?\s?-?(?:${NO})`,
    ),
    confidence: 0.95,
  },
  {
    words: /\b(?:numero|num\.?|nº|n°|nr\.?) (?:de (?:la )?|della |di )?(?:facture|factura|fatura|fattura)/,
    confidence: 0.95,
  },
  {
    words: /\b(?:document|reference|beleg-?|dokument|documento)\s?(?:no\b\.?|number|nummer|nr\.?|n\.|#|id\b)/,
    confidence: 0.8,
  },
  { words: /\b(?:invoice|rechnung|facture|factura|fatura|fattura|factuur)\b/, confidence: 0.75 },
  { words: /^(?:numero|number|nummer|no\.|nr\.)/, confidence: 0.7 },
];

export const DATE_LABELS: readonly Label[] = [
  {
    words:
      /\b(?:invoice|billing|issue|bill) date|\bdate (?:of issue|issued|of invoice)|\bissued(?: on)?\b|\bdated\b/,
    confidence: 0.95,
  },
  { words: /\brechnungsdatum|\bausstellungsdatum|\bdatum der rechnung|\brechnung vom/, confidence: 0.95 },
  { words: /\bdate (?:de (?:la )?facture|d[’']emission|de facturation)|\bemise? le/, confidence: 0.95 },
  {
    words:
      /\bfecha (?:de (?:la )?(?:factura|emision|expedicion))|\bdata (?:fattura|di emissione|emissione|da fatura)|\bfactuurdatum/,
    confidence: 0.95,
  },
  { words: /\b(?:date|datum|fecha|data)\b/, confidence: 0.85 },
  { words: /\b(?:vom|du|del|le|den)\b/, confidence: 0.75 },
];

/** Dates of something else: of payment, of delivery, of an order. */
export const OTHER_DATES =
  /\bdue|\bpay(?:able|ment)?\b|fallig|zahlbar|zahlung|echeance|paiement|reglement|vencimiento|scadenza|verval|deliver|liefer|leistung|livraison|entrega|consegna|lever|order|bestell|commande|pedido|ordine|period|zeitraum|ship|until|\bbis\b|print|druck/;

/** Numbers of something else: of a customer, an order, a tax office. */
export const OTHER_NUMBERS =
  /customer|client|kunde|klant|cliente|\border|bestell|commande|pedido|ordine|\bpo\b|\bvat\b|\btax id|ust|steuer|\btva\b|\bnif\b|\biva\b|\bbtw|account|konto|iban|phone|tel|siret|siren|register/;

export const SELLER_LABELS =
  /^(?:from|seller|supplier|vendor|sold by|issued by|bill from|verkaufer|lieferant|absender|rechnungssteller|vendeur|fournisseur|emetteur|proveedor|emisor|vendedor|fornitore|venditore|emittente|leverancier|verkoper|account holder|kontoinhaber|titulaire|titular|intestatario|payable to|make checks payable to)\b\s?:?\s*/;

export const BUYER_LABELS =
  /^(?:bill(?:ed)? to|invoice(?:d)? to|sold to|ship to|deliver to|customer|client|buyer|attention|attn|to|rechnung an|rechnungsempfanger|empfanger|kunde|kaufer|an|facture a|adresse a|client|destinataire|acheteur|facturar a|cliente|comprador|fatturare a|spett\S*|destinatario|acquirente|factuur aan|klant|afnemer)\b\s?:?/;

/** Endings of companies' names. */
export const LEGAL_FORM =
  /(?:^|\s)(?:gmbh(?: & co\. ?kgaa?)?|ag|kg|ohg|ug(?: \(haftungsbeschrankt\))?|e\. ?k\.|gbr|se|ltd\.?|limited|llp|plc|inc\.?|llc|corp\.?|corporation|company|co\.|s\.?a\.?r\.?l\.?|sas|sasu|eurl|s\.a\.s?\.?|sa|s\.?l\.?u?\.?|s\.?r\.?l\.?|s\.?p\.?a\.?|b\.?v\.?|n\.?v\.?|lda\.?|oy|ab|aps|a\/s|as|sp\. z o\.o\.)(?=$|[\s,;·|•–-])/;

/** What the amount of a line is. */
export type SumKind = 'net' | 'tax' | 'total';

const INCLUDING = /\bincl|inkl|\bttc\b|brutto|gross|\bivato\b|iva inclu/;
const EXCLUDING =
  /\bexcl|exkl|\bhors tax|\bht\b|netto|\bsenza iva|\bsin iva|\bohne (?:mwst|ust)|before tax|without (?:vat|tax)|\bex\.? vat/;
const PAYABLE =
  /amount due|balance due|total due|grand total|invoice (?:total|amount)|total amount|amount payable|please pay|rechnungs(?:betrag|summe)|gesamt(?:betrag|summe)|endbetrag|zahlbetrag|zu zahlen|net a payer|montant (?:total|du|a payer)|importe total|total (?:a pagar|factura|fattura|facture)|totale (?:da pagare|documento|fattura)|da pagare|te betalen|totaalbedrag|factuurbedrag/;
const TAX =
  /\bvat\b|\b(?:sales )?tax\b|\bgst\b|mwst|mehrwertsteuer|\bust\b|umsatzsteuer|\btva\b|\biva\b|imposta|\bbtw\b|steuerbetrag/;
const NET =
  /sub-? ?total|\bnet\b|netto|nettobetrag|zwischensumme|sous-? ?total|base imponible|imponibile|subtotaal|taxable|warenwert|\bbase\b/;
const TOTAL = /\btotal\b|\btotale\b|\btotaal\b|\bsumme\b|\bgesamt\b|\bbetrag\b|\bimporte\b/;
/** Amounts that are none of the three. */
const OTHER_SUM =
  /paid|bezahlt|deposit|anzahlung|acompte|discount|rabatt|remise|skonto|shipping|versand|rounding|credit|savings|hours|stunden|qty|quantity|page/;

/** @param words of the line before its amount, plain. */
export function sumKind(words: string): { readonly kind: SumKind; readonly confidence: number } | null {
  // "T.V.A." and "H.T." are TVA and HT.
  const text = words.replace(/(?<=(?:^|[\s.])\w)\.(?=\w(?:\.|\s|$))/g, '');
  if (PAYABLE.test(text) && !EXCLUDING.test(text)) return { kind: 'total', confidence: 0.9 };
  if (OTHER_SUM.test(text)) return null;
  if (INCLUDING.test(text)) return { kind: 'total', confidence: 0.9 };
  if (EXCLUDING.test(text)) return { kind: 'net', confidence: 0.85 };
  if (TAX.test(text)) return { kind: 'tax', confidence: 0.85 };
  if (NET.test(text)) return { kind: 'net', confidence: 0.85 };
  if (TOTAL.test(text)) return { kind: 'total', confidence: 0.75 };
  return null;
}
