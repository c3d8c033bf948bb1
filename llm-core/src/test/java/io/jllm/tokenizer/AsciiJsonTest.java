package io.jllm.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

class AsciiJsonTest {
    @Test
    void everyCharacterComesBack() {
        var all = new StringBuilder();
        for (int c = 0; c <= Character.MAX_VALUE; c++) {
            all.append((char) c);
        }
        var json = new AsciiJson(10);
        json.beginObject().name("all \"\\\u2581").value(all.toString()).endObject();
        assertTrue(json.toString().chars().allMatch(c -> c >= ' ' && c < 0x7f));
        assertEquals(all.toString(), JsonParser.parseString(json.toString()).getAsJsonObject().get("all \"\\\u2581").getAsString());
    }

    @Test
    void commasStandBetweenValues() {
        var json = new AsciiJson(10);
        json.beginObject().name("a").beginArray().endArray().name("b").beginArray().value(0).value(9).value(10).value(Integer.MAX_VALUE)
                .beginArray().value("x").endArray().beginObject().endObject().endArray().name("c").value(true).name("d").value(false)
                .name("e").nullValue().endObject();
        assertEquals("{\"a\":[],\"b\":[0,9,10,2147483647,[\"x\"],{}],\"c\":true,\"d\":false,\"e\":null}", json.toString());
    }

    @Test
    void twoTextsMakeOne() {
        var json = new AsciiJson(10);
        json.beginArray().value("h\"", "\u0120e").value("", "").endArray();
        assertEquals("[\"h\\u0022 \\u0120e\",\" \"]", json.toString());
    }

    @Test
    void itGrows() {
        var json = new AsciiJson(10);
        json.beginArray();
        for (int i = 0; i < 100_000; i++) {
            json.beginArray().value("\u00e9" + i).value(i).endArray();
        }
        json.endArray();
        var read = JsonParser.parseString(json.toString()).getAsJsonArray();
        assertEquals(100_000, read.size());
        for (int i = 0; i < read.size(); i++) {
            assertEquals("\u00e9" + i, read.get(i).getAsJsonArray().get(0).getAsString());
            assertEquals(i, read.get(i).getAsJsonArray().get(1).getAsInt());
        }
    }
}
