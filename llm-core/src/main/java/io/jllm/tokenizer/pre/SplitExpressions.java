package io.jllm.tokenizer.pre;

/**
 * The regular expressions of byte-level vocabularies, as llama.cpp applies them ({@code llama-vocab.cpp}, {@code unicode.cpp}). There a letter
 * outside ASCII has no case, and one white space is as good as another, so that none of them stands for itself.
 */
public final class SplitExpressions {
    /** English contractions, written out. */
    public static final String CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    /** What GPT-2 splits by, which is what {@code ByteLevel} of a {@code tokenizer.json} means. */
    public static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";

    /** No expression: stretches that each end a group of three numbers, counted from the right. */
    static final String THREES_OF_NUMBERS = "threes of numbers";
    /** No expression: stretches that each begin a group of three ASCII digits, counted from the right. */
    static final String THREES_OF_DIGITS = "threes of digits";

    static final String NUMBER = "\\p{N}";
    static final String NUMBERS = "\\p{N}+";
    static final String UP_TO_THREE_NUMBERS = "\\p{N}{1,3}";
    static final String THREE_DIGITS = "[0-9][0-9][0-9]";
    static final String LINES = "[^\\n]+|[\\n]+";
    static final String NOT_SPACE = "\\S+";

    private static final String BLANKS = "\\s+(?!\\S)|\\s+";
    private static final String TAIL = "\\s*[\\r\\n]+|" + BLANKS;
    /** A character that goes with the word after it. */
    private static final String BEFORE_WORD = "[^\\r\\n\\p{L}\\p{N}]?";
    private static final String SIGNS = " ?[^\\s\\p{L}\\p{N}]+";
    private static final String SIGNS_AND_BREAKS = SIGNS + "[\\r\\n]*|";
    private static final String SIGNS_AND_SLASHES = SIGNS + "[\\r\\n/]*|";
    private static final String WORD = BEFORE_WORD + "\\p{L}+|";

    static final String LLAMA3 = CONTRACTIONS + "|" + WORD + "\\p{N}{1,3}|" + SIGNS_AND_BREAKS + TAIL;
    static final String JAIS2 = CONTRACTIONS + "|" + WORD + "\\p{N}{1,3}|" + SIGNS_AND_BREAKS
            + "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)"
            + "|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}";
    static final String QWEN2 = CONTRACTIONS + "|" + WORD + "\\p{N}|" + SIGNS_AND_BREAKS + TAIL;
    static final String QWEN35 = CONTRACTIONS + "|" + BEFORE_WORD + "[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" + TAIL;
    static final String SEED = CONTRACTIONS + "|" + WORD + "\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + TAIL;
    static final String MINICPM = CONTRACTIONS + "|" + WORD + "\\p{N}+|" + SIGNS_AND_BREAKS + TAIL;
    static final String BAILING = "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" + WORD + "\\p{N}|" + SIGNS_AND_BREAKS + "\\s*[\\r\\n]|" + BLANKS;
    /** Words with single spaces between them are one piece; written so that it needs no stack for long ones. */
    static final String EXAONE_MOE = CONTRACTIONS + "|" + BEFORE_WORD + "\\p{L}(?:[\\p{L}\\p{M}]++| (?=\\p{L}))*+|\\p{N}|" + SIGNS
            + "[\\r\\n/]?|\\s*[\\r\\n]|" + BLANKS;

    /** Signs, then words with marks; signs before ASCII letters go with them. */
    static final String DEEPSEEK3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" + TAIL;
    static final String DEEPSEEK3_HAN = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
    static final String BREAK = "[\\r\\n]";
    static final String LETTERS_AFTER_SPACE = "\\s?\\p{L}+";
    static final String PUNCTUATION_AFTER_SPACE = "\\s?\\p{P}+";
    static final String DEEPSEEK_HAN = "[[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]&&\\S]+";
    static final String DEEPSEEK_SIGNS = "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001-\u3002]+";
    static final String SPACES_AT_END = "\\s+$";
    static final String DEEPSEEK_LETTERS = "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af"
            + "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f"
            + "\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a"
            + "\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc"
            + "\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113"
            + "\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184"
            + "\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e"
            + "\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}"
            + "\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}]+";

    /** Words as capitals and what follows them; letters outside ASCII are both. */
    private static String cased(String letter, String after) {
        String notLower = "[" + letter + "&&[^a-z]]";
        String notUpper = "[" + letter + "&&[^A-Z]]";
        return BEFORE_WORD + notLower + "*" + notUpper + "+" + after + "|" + BEFORE_WORD + notLower + "+" + notUpper + "*" + after + "|";
    }

    static final String TEKKEN = cased("\\p{L}", "") + "\\p{N}|" + SIGNS_AND_SLASHES + TAIL;
    static final String GPT4O = cased("\\p{L}", CONTRACTIONS + "?") + "\\p{N}{1,3}|" + SIGNS_AND_SLASHES + TAIL;
    static final String GPT4O_MARKS = cased("[\\p{L}\\p{M}]", CONTRACTIONS + "?") + "\\p{N}{1,3}|" + SIGNS_AND_SLASHES + TAIL;
    /** As those, but that all letters count as capitals and as small ones. */
    static final String TINY_AYA = BEFORE_WORD + "[\\p{L}\\p{M}]+" + CONTRACTIONS + "?|\\p{N}{1,3}|" + SIGNS_AND_SLASHES + TAIL;
    static final String YOUTU = BEFORE_WORD + "[\\p{L}\\p{M}]+" + CONTRACTIONS + "?|\\p{N}|" + SIGNS_AND_SLASHES + TAIL;
    static final String YOUTU_SCRIPTS = "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c"
            + "\u3001-\u303f\ufe30-\ufe4f]+|[\u3105-\u312f]+|[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";

    private static final String HAN = "\u4e00-\u9fff\u3400-\u4dbf\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2ebef}\uf900-\ufaff\\x{2f800}-\\x{2fa1f}";
    static final String KIMI = "[" + HAN + "]+|" + BEFORE_WORD + "[\\p{L}&&[^" + HAN + "]]+" + CONTRACTIONS + "?|\\p{N}{1,3}|"
            + SIGNS_AND_BREAKS + TAIL;
    /** From U+8C48 on, where U+F900, which looks the same, was meant: so it is there. */
    static final String AFMOE_SCRIPTS = "[\u4e00-\u9fff\u3400-\u4dbf\u8c48-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf"
            + "\u0e40-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+";

    /** Everything but the signs that end sentences; a space goes with what follows it. */
    static final String BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";
    static final String DEFAULT_SIGNS = "[\\p{P}\\$\\+<=>\\^~\\|]+";
    static final String FALCON_SIGNS = "[\\p{P}\\$\\+<=>\\^~\\|`]+";

    static final String SENTINEL = "<sentinel:[0-9]+>";
    static final String IMAGE = "IMGIMG[A-I]{1,4}Z";
    static final String TABS_AND_PAIRS = "[\\t\\n]|    |  ";
    static final String EACH_SIGN = "[\\p{P}!-/:-@\\[-`{-~]";

    private SplitExpressions() {
    }
}
