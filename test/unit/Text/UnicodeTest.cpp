// UTF-8, categories and canonical composition.
#include "text/Unicode.h"

#include <gtest/gtest.h>

#include "text/Utf8.h"

using namespace qfa::rt;

TEST(Utf8, replacesEachIllFormedPieceOnce) {
  EXPECT_EQ(replaceInvalidUtf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(replaceInvalidUtf8("\xE2\x82z"), "\uFFFDz");               // a beginning
  EXPECT_EQ(replaceInvalidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"); // a surrogate
  EXPECT_EQ(replaceInvalidUtf8("\xC0\x80"), "\uFFFD\uFFFD");           // a form that is too long
  EXPECT_EQ(replaceInvalidUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(replaceInvalidUtf8("é日😀"), "é日😀");
}

TEST(Utf8, findsTheFirstInvalidByte) {
  EXPECT_EQ(findInvalidUtf8("é日😀"), std::nullopt);
  EXPECT_EQ(findInvalidUtf8("ab\x80"), 2u);
  EXPECT_EQ(findInvalidUtf8("ab\xE2\x82"), 2u);
}

TEST(Utf8, writesWhatItReads) {
  for (char32_t code : {0x0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    appendUtf8(text, code);
    size_t pos = 0;
    EXPECT_EQ(nextCodePoint(text, pos), code);
    EXPECT_EQ(pos, text.size());
  }
}

TEST(Unicode, knowsCategories) {
  EXPECT_EQ(categoryBit('A'), categoriesNamed("Lu"));
  EXPECT_TRUE(categoryBit(U'日') & categoriesNamed("L"));
  EXPECT_EQ(categoryBit(U'½'), categoriesNamed("No"));
  EXPECT_EQ(categoryBit(0x10FFFF), categoriesNamed("Cn"));
  EXPECT_EQ(categoriesNamed("Xx"), 0u);
  EXPECT_TRUE(isSpace(0x3000));
  EXPECT_FALSE(isSpace(0x200B));
  EXPECT_TRUE(isNumeric(U'Ⅷ'));
}

TEST(Unicode, composesCanonically) {
  EXPECT_EQ(normalizeNfc("cafe\u0301"), "café");
  EXPECT_EQ(normalizeNfc("a\u0301\u0323"), "\u1EA1\u0301");             // the lower mark goes first
  EXPECT_EQ(normalizeNfc("a\u0304\u0301\u0304"), "\u0101\u0301\u0304"); // blocked by a mark of the same class
  EXPECT_EQ(normalizeNfc("\u1112\u1161\u11AB"), "\uD55C");              // Hangul
  EXPECT_EQ(normalizeNfc("\u212B"), "\u00C5");                          // a singleton
  EXPECT_EQ(normalizeNfc("\u0958"), "\u0915\u093C");                    // never composed
  EXPECT_EQ(normalizeNfc("\u0301e"), "\u0301e");
}
