#include "controller/record/sample_block.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "controller/base/crc32c.hpp"
#include "controller/record/bytes.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

constexpr SampleBlockKey kKey{0x0123456789abcdef, 7};

TEST(SampleBlock, RoundTripsEveryFieldBitForBitAlsoNanPayloads) {
  Random random(3);
  for (const std::size_t count : {1u, 2u, 3u, 17u, 999u, 1000u, 2000u}) {
    const auto samples = random_samples(random, count);
    const auto back = decode_sample_block(kKey, encode_sample_block(kKey, samples));
    ASSERT_TRUE(back) << back.error();
    EXPECT_TRUE(same(*back, samples)) << count;
  }
}

TEST(SampleBlock, NoticesEveryFlippedBit) {
  Random random(4);
  const std::string good = encode_sample_block(kKey, lifelike_samples(random, 40, 1000, 1));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(decode_sample_block(kKey, bad)) << "bit " << bit;
  }
  ASSERT_TRUE(decode_sample_block(kKey, good));
}

TEST(SampleBlock, NoticesEveryCut) {
  Random random(5);
  const std::string good = encode_sample_block(kKey, lifelike_samples(random, 40, 1000, 1));
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(decode_sample_block(kKey, good.substr(0, size))) << size;
  }
}

TEST(SampleBlock, BelongsToOneSetAndOnePlace) {
  Random random(6);
  const std::string block = encode_sample_block(kKey, lifelike_samples(random, 10, 1000, 1));
  EXPECT_FALSE(decode_sample_block({kKey.set_id + 1, kKey.index}, block));
  EXPECT_FALSE(decode_sample_block({kKey.set_id, kKey.index + 1}, block));
}

TEST(SampleBlock, OfANewerFormatIsRefusedByName) {
  Random random(7);
  std::string block = encode_sample_block(kKey, lifelike_samples(random, 10, 1000, 1));
  block[4] = 9;  // the version, after the magic
  block.resize(block.size() - 4);
  const std::uint32_t crc = crc32c(block.data(), block.size());
  block.append(reinterpret_cast<const char*>(&crc), 4);
  const auto refused = decode_sample_block(kKey, block);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("version 9"), std::string::npos) << refused.error();
}

// A later release may add columns: the name in the header decides, not the place.
TEST(SampleBlock, WithAColumnUnknownHereIsReadWithoutIt) {
  Random random(8);
  const auto samples = lifelike_samples(random, 10, 1000, 1);
  std::string block = encode_sample_block(kKey, samples);
  const std::size_t name = block.find("disturbance");
  ASSERT_NE(name, std::string::npos);
  block.replace(name, 11, "pelvis_tilt");
  block.resize(block.size() - 4);
  const std::uint32_t crc = crc32c(block.data(), block.size());
  block.append(reinterpret_cast<const char*>(&crc), 4);
  const auto back = decode_sample_block(kKey, block);
  ASSERT_TRUE(back) << back.error();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ((*back)[i].disturbance, 0.0);
    EXPECT_EQ((*back)[i].force_output, samples[i].force_output);
  }
}

// Byte planes of two samples, the first of them as it is, of the second what changed.
TEST(SampleBlock, WhoseColumnWasWiderInAnOlderVersionIsReadAllTheSame) {
  const std::string planes = std::string("\x07\x01", 2) + std::string(14, '\0') +  // tick 7, 8
                             std::string("\x01\x01", 2) + std::string(6, '\0');    // seen 1, 0
  uLongf size = compressBound(planes.size());
  std::string deflated(size, '\0');
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(deflated.data()), &size,
                     reinterpret_cast<const Bytef*>(planes.data()), planes.size()),
            Z_OK);
  deflated.resize(size);
  constexpr std::uint16_t kFormat = 1, kColumns = 2;
  constexpr std::uint8_t kDelta = 1, kXor = 2;
  ByteWriter writer;
  writer.raw("MSB1").put(kFormat).put(kColumns).put(kKey.set_id).put(kKey.index);
  writer.put(std::uint32_t{2}).put(std::uint64_t{7});
  writer.put(std::uint8_t{4}).raw("tick").put(std::uint8_t{8}).put(kDelta);
  writer.put(std::uint8_t{11}).raw("pelvis_seen").put(std::uint8_t{4}).put(kXor);
  writer.put(static_cast<std::uint32_t>(planes.size())).put(deflated);
  writer.put(crc32c(writer.bytes().data(), writer.bytes().size()));
  const auto samples = decode_sample_block(kKey, writer.bytes());
  ASSERT_TRUE(samples) << samples.error();
  ASSERT_EQ(samples->size(), 2u);
  EXPECT_EQ((*samples)[0].tick, 7u);
  EXPECT_EQ((*samples)[1].tick, 8u);
  EXPECT_EQ((*samples)[0].pelvis_seen, 1);
  EXPECT_EQ((*samples)[1].pelvis_seen, 0);
  EXPECT_EQ((*samples)[0].detector, 0) << "not known";
}

TEST(SampleBlock, OfALifelikeSecondTakesLessThanHalfOfItsRawSize) {
  Random random(9);
  const auto samples = lifelike_samples(random, 1000, 123'456, 1);
  const std::size_t size = encode_sample_block(kKey, samples).size();
  RecordProperty("bytes", static_cast<int>(size));
  EXPECT_LT(size, samples.size() * sizeof samples[0] / 2);
}

}  // namespace
}  // namespace medius::record::test
